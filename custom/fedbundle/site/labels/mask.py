"""Label maps in NIfTI, MHA or NRRD, laid on the voxels of their image."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.site.refusal import RefusedError

PLACE_TOLERANCE = 0.1  # of the smallest voxel spacing, at the corners of the grid


def read_mask(path: Path, image: Volume) -> NDArray[np.generic]:
    """Read a label map and lay it on the grid of `image`, [slice, row, column].

    The same grid with axes swapped or turned round is put right; nothing is resampled.

    Args:
        path: NIfTI, MHA, NRRD or whatever SimpleITK reads.
        image: the volume that was labelled.

    Raises:
        RefusedError: LABEL_UNREADABLE or LABEL_GEOMETRY.
    """
    return _placed(*_read(path), image)


def _read(path: Path) -> tuple[NDArray[np.generic], Array]:
    """Voxels [x, y, z] as the file stores them, and the matrix from their index to LPS mm."""
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # its warnings quote file names
    try:
        mask = sitk.ReadImage(str(path))
    except RuntimeError as error:  # its message quotes file names
        raise RefusedError("LABEL_UNREADABLE", "the mask is no image that can be read") from error
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)
    if mask.GetDimension() != 3 or mask.GetNumberOfComponentsPerPixel() != 1:
        raise RefusedError("LABEL_GEOMETRY", f"the mask has {mask.GetDimension()} dimensions, wanted 3 and one value")
    affine = np.eye(4)
    affine[:3, :3] = np.array(mask.GetDirection()).reshape(3, 3) * np.array(mask.GetSpacing())
    affine[:3, 3] = mask.GetOrigin()
    return sitk.GetArrayFromImage(mask).transpose(2, 1, 0), affine


def _placed(array: NDArray[np.generic], affine: Array, image: Volume) -> NDArray[np.generic]:
    """Turn the mask [x, y, z] to the axes of the image and compare the corners of both grids."""
    turn = (np.linalg.inv(image.affine) @ affine)[:3, :3]  # image index per mask index
    source = np.abs(turn).argmax(axis=1)  # which axis of the mask runs along each axis of the image
    if sorted(source.tolist()) != [0, 1, 2]:
        raise RefusedError("LABEL_GEOMETRY", "the mask is turned against the image")
    backwards = [turn[axis, source[axis]] < 0 for axis in range(3)]
    placed = array.transpose(source.tolist())
    if placed.shape != image.array.shape[::-1]:
        size = "x".join(map(str, placed.shape))
        raise RefusedError(
            "LABEL_GEOMETRY", f"the mask has {size} voxels, the image {'x'.join(map(str, image.array.shape[::-1]))}"
        )
    turned = np.zeros((4, 4))
    turned[3, 3] = 1
    for axis in range(3):
        turned[source[axis], axis] = -1 if backwards[axis] else 1
        turned[source[axis], 3] = placed.shape[axis] - 1 if backwards[axis] else 0
    corners = np.array([[*corner, 1] for corner in np.ndindex(2, 2, 2)]) * [*(np.array(placed.shape) - 1), 1]
    off = float(np.abs(corners @ (affine @ turned - image.affine).T).max())
    if off > PLACE_TOLERANCE * min(image.spacing):
        raise RefusedError("LABEL_GEOMETRY", f"corners of mask and image lie up to {off:.2f} mm apart")
    flips = tuple(slice(None, None, -1 if back else None) for back in backwards)
    return placed[flips].transpose(2, 1, 0)
