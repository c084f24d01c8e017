"""Speed of ingest beside its peers on the same files: 60 series of 30 slices of 384 x 384, warm cache, one process.

Ours gates, decodes, lays the volume out, searches for identifiers and writes, without qc.html, which has a row of its
own; SimpleITK and dcm2niix read and write NIfTI without any of that; MONAI only reads. Imports are not counted; each
runs in a process of its own, in turn, several times over, and the best of each counts. Libraries are held to one
thread; ours hashes and writes files beside its main thread, so the time of all processors together stands there too.

Prints a table; `--page` also writes it into docs/reference/benchmarks/.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from _page import write_section
from fedbundle.phantom.canvas import Grid
from fedbundle.phantom.dicom_study import Exam, Person
from fedbundle.phantom.mr_dicom import Series, write_series
from fedbundle.phantom.prostate_mri_zones.sites import SITES

ROOT = Path(__file__).resolve().parents[1]
SLICES, MATRIX = 30, 384


def write_input(folder: Path, series: int) -> None:
    """One study per series: noise over a ramp, 16 bits, uncompressed, headers as of a vendor."""
    site = next(iter(SITES.values()))
    affine = np.diag([0.5, 0.5, 3.0, 1.0])
    random = np.random.default_rng(0)
    ramp = np.arange(SLICES * MATRIX**2, dtype=np.uint32).reshape(SLICES, MATRIX, MATRIX) // 4096
    for number in range(series):
        person = Person(f"Bench^Mark{number}", "", f"BM{number:08}", "19500101", 70, 1.8, 80.0)
        exam = Exam(person, f"benchmark {number}", "20240102", 36000, f"A{number:07}", "PROSTATE", "PROSTATE")
        told = Series(1, 60, "t2_tse_tra", site.acquisition, (Grid((SLICES, MATRIX, MATRIX), affine, 3.0),))
        stored = (ramp + random.integers(0, 200, ramp.shape)).astype(np.uint16)
        write_series(folder / f"{number:04}", exam, site.scanner, replace(told), stored)


def ours(
    folder: Path, out: Path, *, keep_dicom: bool = False, compress: bool = False, page: bool = False
) -> Callable[[], object]:
    """`fedbundle ingest --uncompressed --no-page` of everything into a new dataset."""
    from fedbundle.dicom.sources.folder import Folder
    from fedbundle.site.home import SiteHome
    from fedbundle.site.ingest import ingest

    home = SiteHome.create(out / "site", "benchmark")
    bundle = str(ROOT / "bundles" / "prostate_mri_zones")
    asked = {"keep_dicom": keep_dicom, "compress": compress, "page": page}
    return lambda: ingest(home, bundle, Folder(folder), max_refused="0", **asked)


def ours_keeping_dicom(folder: Path, out: Path) -> Callable[[], object]:
    """The same with --keep-dicom."""
    return ours(folder, out, keep_dicom=True)


def ours_compressed(folder: Path, out: Path) -> Callable[[], object]:
    """Into .nii.gz, as it does unless told otherwise."""
    return ours(folder, out, compress=True)


def ours_with_page(folder: Path, out: Path) -> Callable[[], object]:
    """The first, with qc.html."""
    return ours(folder, out, page=True)


def simpleitk(folder: Path, out: Path) -> Callable[[], object]:
    """Read each series with GDCM, write it as uncompressed NIfTI."""
    import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so

    def run() -> None:
        for place in sorted(folder.iterdir()):
            names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(place))
            sitk.WriteImage(sitk.ReadImage(names), str(out / f"{place.name}.nii"))

    return run


def monai_itk(folder: Path, _: Path) -> Callable[[], object]:
    """Read each series with MONAI's ITKReader; nothing is written."""
    from monai.data import ITKReader

    reader = ITKReader()

    def run() -> None:
        for place in sorted(folder.iterdir()):
            reader.get_data(reader.read(str(place)))

    return run


def dcm2niix(folder: Path, out: Path) -> Callable[[], object]:
    """The whole folder at once, uncompressed."""
    program = shutil.which("dcm2niix")
    if program is None:
        raise SystemExit("dcm2niix is not installed")
    command = [program, "-z", "n", "-b", "n", "-f", "%i_%s", "-o", str(out), str(folder)]
    return lambda: subprocess.run(command, check=True, capture_output=True)


PEERS = {
    "fedbundle ingest --uncompressed --no-page": ours,
    "fedbundle ingest --uncompressed": ours_with_page,
    "fedbundle ingest --no-page": ours_compressed,
    "fedbundle ingest --uncompressed --no-page --keep-dicom": ours_keeping_dicom,
    "SimpleITK read and write": simpleitk,
    "MONAI ITKReader, read only": monai_itk,
    "dcm2niix": dcm2niix,
}


Run = tuple[float, float, float]  # seconds of work, seconds of all processors, peak memory in MiB


def measured(peer: str, folder: Path) -> Run | None:
    """One run in a process of its own; None when the peer is absent."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, __file__, "--peer", peer, "--folder", str(folder), "--out", out]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        print(f"{peer}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    seconds, busy, memory = json.loads(done.stdout.splitlines()[-1])
    return seconds, busy, memory


def run_peer(peer: str, folder: Path, out: Path) -> None:
    """In the child: prepare, then time the work."""
    import resource

    work = PEERS[peer](folder, out)
    began, busy = time.perf_counter(), busy_s()
    work()
    seconds, busy = time.perf_counter() - began, busy_s() - busy
    memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps([seconds, busy, memory / 1024]))


def busy_s() -> float:
    """Seconds that all processors together have worked for this process and its ended children."""
    return sum(os.times()[:4])


def table(best: dict[str, Run], series: int, rounds: int) -> str:
    """Markdown."""
    base = best["SimpleITK read and write"][0]
    lines = [
        f"{series} series of {SLICES} slices of {MATRIX} x {MATRIX}, {series * SLICES} uncompressed files; "
        f"best of {rounds}.",
        "",
        "| what | s | of SimpleITK's time | processor s | peak MiB |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {took:.1f} | {took / base:.2f} | {busy:.1f} | {memory:.0f} |"
        for name, (took, busy, memory) in best.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure all peers in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--page", action="store_true", help="write the table into docs/reference/benchmarks/")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.peer:
        return run_peer(chosen.peer, chosen.folder, chosen.out)
    best: dict[str, Run] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "dicom"
        write_input(folder, chosen.series)
        for _ in range(chosen.rounds):
            for peer in PEERS:
                if found := measured(peer, folder):
                    best[peer] = min(best.get(peer, found), found)
    told = table(best, chosen.series, chosen.rounds)
    print(told)
    if chosen.page:
        about = str(__doc__).split("\n\n")[1]
        write_section("Speed", f"benchmarks/{Path(__file__).name}", f"{about}\n\n{told}")
    return None


if __name__ == "__main__":
    main()
