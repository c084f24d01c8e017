"""Label maps as NIfTI."""

from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Grid


def write_label_map(path: Path, labels: NDArray[np.uint8], grid: Grid) -> None:
    """Write labels [slice, row, column]; NIfTI is RAS+ in voxel order (column, row, slice): x and y change sign."""
    image = nib.Nifti1Image(np.ascontiguousarray(labels.transpose(2, 1, 0)), np.diag([-1.0, -1, 1, 1]) @ grid.affine)
    image.set_qform(image.affine, code=1)
    image.set_sform(image.affine, code=1)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
