"""A defacing program as a hospital might have one: it does its work on a NIfTI and writes another."""

import sys
from pathlib import Path

FRONT = "voxels[:, : voxels.shape[1] // 4] = 0"
PROGRAM = """
import sys, nibabel, numpy as np
image = nibabel.load(sys.argv[1])
voxels, affine = np.asarray(image.dataobj).copy(), image.affine
{work}
nibabel.save(nibabel.Nifti1Image(voxels, affine), sys.argv[2])
"""


def write_deface_program(folder: Path, work: str = FRONT) -> list[str]:
    """Write a program that does `work` on `voxels` [column, row, slice] and `affine`; the command of site.toml."""
    path = folder / "program.py"
    path.write_text(PROGRAM.format(work=work))
    return [sys.executable, str(path), "{input}", "{output}"]
