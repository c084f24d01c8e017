"""Faces out of head volumes, by a program that the hospital trusts and names; what it did is checked, not believed.

No program of our own: one by geometry alone was tried, and it cut brain unnoticed. What is taken from the hospital's
program is only which voxels it changed. They become background; all others stay to the last bit.

The program gets the volume with its axes nearest to right, anterior, superior, so that it need not care how the scanner
stored the head.
"""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
from nibabel.orientations import apply_orientation, io_orientation, ornt_transform
from numpy.typing import NDArray

from fedbundle.dicom.pixels.volume import LPS_TO_RAS, Volume
from fedbundle.errors import DicomError
from fedbundle.files import writing

INPUT, OUTPUT = "{input}", "{output}"  # in the command: NIfTI to read, NIfTI to write
LEAST, MOST = 0.005, 0.9  # share of the voxels that a face, or all but the brain, can be
LONGEST = 3600.0  # seconds


class DefaceError(DicomError):
    """The face could not be removed; `detail` names no patient and no file."""

    reason = "NOT_DEFACED"

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"face must be removed by the program of site.toml, got {detail}; try it by hand on the series"
        )
        self.detail = detail


def deface(volume: Volume, command: Sequence[str], scratch: Path, longest: float = LONGEST) -> tuple[Volume, float]:
    """The volume without the voxels that the program changed, and their share.

    Args:
        volume: a head, in any contrast.
        command: program and arguments, with INPUT and OUTPUT for the paths of two .nii.gz files.
        scratch: folder for temporary files with the face, which whoever owns the folder clears after a kill.
        longest: seconds after which the program is ended.

    Raises:
        DefaceError: the program failed, wrote another grid, changed nothing, or changed more than a face can be.
        OutputError: there is no room for temporary files.
    """
    stored = nibabel.Nifti1Image(volume.compact().transpose(2, 1, 0), LPS_TO_RAS @ volume.affine)
    upright = nibabel.as_closest_canonical(stored)
    with ExitStack() as stack:
        with writing(scratch):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="deface-", dir=scratch))
            source, target = Path(folder, "head.nii.gz"), Path(folder, "defaced.nii.gz")
            nibabel.save(upright, source)
        _run([part.replace(INPUT, str(source)).replace(OUTPUT, str(target)) for part in command], folder, longest)
        changed = _voxels(target, upright) != np.asarray(upright.dataobj)
    share = float(changed.mean())
    if not LEAST <= share <= MOST:
        raise DefaceError(f"{share:.1%} of the voxels changed, wanted {LEAST:.1%} to {MOST:.0%}")
    back = ornt_transform(io_orientation(upright.affine), io_orientation(stored.affine))
    face = apply_orientation(changed, back).transpose(2, 1, 0)
    return replace(volume, array=np.where(face, volume.array.min(), volume.array)), share


def _run(command: list[str], folder: str, longest: float) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"TMPDIR": folder},  # for what it writes by the way, which shows the face too
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=longest,
        )
    except subprocess.TimeoutExpired as error:
        raise DefaceError(f"no end of it within {longest:g} s") from error
    except OSError as error:
        raise DefaceError(f"{error.strerror} when it was started") from error
    if done.returncode:
        raise DefaceError(f"exit code {done.returncode} of it")


def _voxels(path: Path, given: nibabel.Nifti1Image) -> NDArray[np.float32]:
    """What the program wrote, which must lie on the grid of what it was given."""
    try:
        image = nibabel.load(path)
        voxels = np.asarray(image.dataobj, dtype=np.float32)
    except (OSError, ValueError, EOFError, nibabel.filebasedimages.ImageFileError) as error:
        raise DefaceError("no NIfTI that can be read") from error
    voxels = voxels.reshape(voxels.shape[:3]) if voxels.shape[3:] == (1,) else voxels
    if voxels.shape != given.shape or not np.allclose(image.affine, given.affine, atol=1e-3):
        raise DefaceError("another grid than the one it was given")
    return voxels
