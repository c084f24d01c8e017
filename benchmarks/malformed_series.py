"""What readers make of malformed series: ours beside SimpleITK, MONAI, dcm2niix, dicom2nifti, highdicom and picai_prep.

Voxels are a linear function of the LPS position, so what a reader returns is judged by its own affine: right when no
voxel is further off than rounding, else WRONG by the largest error, also when only one of several volumes is wrong. A
reader that raises or writes nothing has refused. Each runs in a process of its own; one that crashes costs its row.

Prints a table; `--page` also writes it into docs/reference/benchmarks/. Peers: pip install -e .[bench], and dcm2niix.
"""

import argparse
import importlib.metadata
import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from _page import write_section

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
RIGHT, REFUSED, CRASHED, ABSENT = "right", "refused", "crashed", "absent"
SAFE = (RIGHT, REFUSED, ABSENT)
TIMEOUT_S = 300
NIFTI_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
ROWS = """
transverse; sagittal; oblique; against the normal; numbers and names shuffled; rescaled; jitter of the positions
another slope in each slice; multi-frame; multi-frame, frames unordered; multi-frame, another slope in each frame
multi-frame, a slice missing; multi-frame, functional groups lost; multi-frame, truncated
multi-frame, several b-values; multi-frame, a file for each time; three b-values; 4-D; the whole stack twice
a slice missing; two slices missing; a slice too many; a slice doubled; a file twice; steps that grow
a position lost; spacing 0; slices in two directions; slices of two sizes; slices of two pixel spacings
slices of two pixel formats; gantry tilt not declared; sheared, not CT; files shorter than their pixels; absurd size
"""
NAMES = [name.strip() for line in ROWS.strip().splitlines() for name in line.split(";")]
Found = Iterator[tuple[np.ndarray, np.ndarray]]  # voxels [slice, row, column], affine from (column, row, slice) to LPS


def fedbundle(folder: Path, _: Path) -> Found:
    """The gate, then `Volume`; several volumes in a series are refused unless a role asks for one."""
    from fedbundle.dicom.gate.verdict import candidates
    from fedbundle.dicom.pixels.volume import Volume
    from fedbundle.dicom.series import scan

    for series in scan(folder):
        for part, verdict in candidates(series, {}):
            if verdict.used:
                volume = Volume.of(part)
                yield volume.array, volume.affine


def simpleitk(folder: Path, _: Path) -> Found:
    """GDCM sorts the files, ImageSeriesReader reads them."""
    import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so

    for uid in sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder)):
        names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid)
        yield of_simpleitk(sitk.ReadImage(names, sitk.sitkFloat32))


def of_simpleitk(image: object) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and affine; a fourth axis of one image is dropped."""
    import SimpleITK as sitk  # noqa: N813

    array = sitk.GetArrayFromImage(image)
    count = image.GetDimension()
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (count, count))[:3, :3] * image.GetSpacing()[:3]
    affine[:3, 3] = image.GetOrigin()[:3]
    return array[0] if count == 4 and len(array) == 1 else array, affine


def monai_itk(folder: Path, _: Path) -> Found:
    """MONAI's ITKReader."""
    from monai.data import ITKReader

    yield of_monai(ITKReader(), folder)


def monai_pydicom(folder: Path, _: Path) -> Found:
    """MONAI's PydicomReader."""
    from monai.data import PydicomReader

    yield of_monai(PydicomReader(), folder)


def of_monai(reader: object, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Axes (column, row, slice), affine in RAS."""
    files = sorted(folder.iterdir())
    array, meta = reader.get_data(reader.read(str(files[0]) if len(files) == 1 else str(folder)))
    return np.transpose(array), NIFTI_TO_LPS @ np.asarray(meta["affine"])


def dcm2niix(folder: Path, out: Path) -> Found:
    """Every volume that it writes."""
    program = shutil.which("dcm2niix")
    if program is None:
        raise ImportError("dcm2niix is not installed")
    subprocess.run([program, "-z", "n", "-b", "n", "-f", "%s_%p", "-o", str(out), str(folder)], capture_output=True)
    yield from of_nifti(out)


def dicom2nifti(folder: Path, out: Path) -> Found:
    """Its conversion of a folder."""
    import dicom2nifti as converter

    converter.convert_directory(str(folder), str(out), compression=False, reorient=False)
    yield from of_nifti(out)


def of_nifti(folder: Path) -> Found:
    """Volumes of all files; of those with several, one after the other."""
    import nibabel

    for file in sorted(folder.glob("*.nii")):
        image = nibabel.load(file)
        voxels = np.asanyarray(image.dataobj).transpose()
        for volume in voxels if voxels.ndim == 4 else [voxels]:
            yield volume, NIFTI_TO_LPS @ image.affine


def highdicom(folder: Path, _: Path) -> Found:
    """get_volume_from_series, and get_volume of a multi-frame file."""
    import highdicom as hd
    from pydicom import dcmread

    images = [dcmread(file) for file in sorted(folder.iterdir())]
    if len(images) == 1 or "NumberOfFrames" in images[0]:
        volumes = [hd.imread(file).get_volume(dtype=np.float64) for file in sorted(folder.iterdir())]
    else:
        volumes = [hd.get_volume_from_series(images, dtype=np.float64)]
    for volume in volumes:
        turned = np.array(volume.affine)[:, [2, 1, 0, 3]]  # its axes run slice, row, column
        yield np.asarray(volume.array), turned


def picai_prep(folder: Path, _: Path) -> Found:
    """The reader of its Dicom2MHAConverter."""
    from picai_prep.dcm2mha import DICOMImageReader

    yield of_simpleitk(DICOMImageReader(folder, verify_dicom_filenames=False).image)


READERS: dict[str, Callable[[Path, Path], Found]] = {
    "fedbundle": fedbundle,
    "SimpleITK": simpleitk,
    "MONAI ITKReader": monai_itk,
    "MONAI PydicomReader": monai_pydicom,
    "dcm2niix": dcm2niix,
    "dicom2nifti": dicom2nifti,
    "highdicom": highdicom,
    "picai_prep": picai_prep,
}


def judged(array: np.ndarray, affine: np.ndarray, tolerance: float) -> str:
    """Right, or by how much it is wrong; whole volumes may be brighter, as the later of several are."""
    from samples.dicom_series import worst_error
    from samples.multi_frame import BRIGHTER

    if array.ndim != 3 or not np.isfinite(affine).all():
        return f"WRONG ({array.ndim}-D)" if array.ndim != 3 else "WRONG (affine)"
    error = min(worst_error(array.astype(np.float64) - k * BRIGHTER, affine) for k in range(3))
    return RIGHT if error <= tolerance + 0.01 else f"WRONG ({error:.3g})"


def read(reader: str, folder: Path, name: str) -> str:
    """What a reader makes of a series, in one word."""
    from samples.malformed import MATRIX

    with tempfile.TemporaryDirectory() as out:
        try:
            cells = [judged(*found, MATRIX[name].tolerance) for found in READERS[reader](folder, Path(out))]
        except ImportError:
            return ABSENT
        except Exception:  # whatever a reader raises: it has said no
            return REFUSED
    wrong = [cell for cell in cells if cell != RIGHT]
    return wrong[0] if wrong else RIGHT if cells else REFUSED


def write_input(folder: Path) -> None:
    """One folder per row."""
    from samples.dicom_series import make_slices, write_slices
    from samples.malformed import MATRIX

    for name in NAMES:
        row = MATRIX[name]
        slices = make_slices(row.stack)
        write_slices(folder / name, row.change(slices) or slices)


def run_reader(reader: str, folder: Path) -> dict[str, str]:
    """All rows in a process of its own, a new one after each crash."""
    cells: dict[str, str] = {}
    while todo := [name for name in NAMES if name not in cells]:
        command = [sys.executable, __file__, "--reader", reader, "--folder", str(folder), "--rows", json.dumps(todo)]
        try:
            told = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S).stdout
        except subprocess.TimeoutExpired as error:
            told = (error.stdout or b"").decode()
        done = [json.loads(line) for line in told.splitlines() if line.startswith("[")]
        cells |= dict(done)
        if len(done) < len(todo):
            cells[todo[len(done)]] = CRASHED
    return cells


def table(cells: dict[str, dict[str, str]]) -> str:
    """Markdown: rows are series, columns are readers; the last row counts what is wrong."""
    lines = ["| series | " + " | ".join(cells) + " |", "|---" * (len(cells) + 1) + "|"]
    for name in NAMES:
        told = [cell if cell in SAFE else f"**{cell}**" for cell in (found[name] for found in cells.values())]
        lines.append(f"| {name} | " + " | ".join(told) + " |")
    wrong = [sum(cell not in SAFE for cell in found.values()) for found in cells.values()]
    return "\n".join([*lines, f"| wrong of {len(NAMES)} | " + " | ".join(map(str, wrong)) + " |"])


def versions() -> str:
    """Of the readers."""
    found = []
    for name in ("SimpleITK", "monai", "itk", "pydicom", "dicom2nifti", "highdicom", "picai_prep"):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} absent")
    if program := shutil.which("dcm2niix"):
        told = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
        found.append(f"dcm2niix {told.split()[-1]}")
    return ", ".join(found)


def main() -> int:
    """Run all readers in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="write the table into docs/reference/benchmarks/")
    parser.add_argument("--reader", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        warnings.simplefilter("ignore")
        for name in options.rows:
            print(json.dumps([name, read(options.reader, options.folder / name, name)]), flush=True)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        write_input(Path(folder))
        cells = {reader: run_reader(reader, Path(folder)) for reader in READERS}
    told = table(cells)
    print(told)
    if options.page:
        about = str(__doc__).split("\n\n")[1]
        write_section("Malformed series", f"benchmarks/{Path(__file__).name}", f"{about}\n\n{told}\n\n{versions()}.")
    return int(any(cell not in SAFE for cell in cells["fedbundle"].values()))


if __name__ == "__main__":
    sys.exit(main())
