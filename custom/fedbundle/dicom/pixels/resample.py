"""One volume on the voxels of another, linearly interpolated."""

import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.pixels.register import as_image, as_transform
from fedbundle.dicom.pixels.volume import Volume

PADDING = 0.0  # outside of the volume: no uptake, no diffusion


def resampled(volume: Volume, grid: Volume, matrix: Array | None = None) -> tuple[Volume, float]:
    """Interpolate `volume` at the voxels of `grid`; what lies outside of it is `PADDING`.

    Args:
        volume: any spacing and direction.
        grid: gives shape, affine and frame of reference of the result.
        matrix: 4x4, LPS mm of `grid` -> LPS mm of `volume`; None where both are in one frame of reference.

    Returns:
        The new volume, and the share of its voxels (0 to 1) that `volume` covers.
    """
    motion = as_transform(np.eye(4) if matrix is None else matrix)
    source, target = as_image(volume), as_image(grid)
    pixels = sitk.GetArrayFromImage(sitk.Resample(source, target, motion, sitk.sitkLinear, PADDING, sitk.sitkFloat32))
    inside = sitk.Image(source.GetSize(), sitk.sitkUInt8) + 1
    inside.CopyInformation(source)
    covered = sitk.GetArrayFromImage(sitk.Resample(inside, target, motion, sitk.sitkNearestNeighbor, 0.0))
    return Volume(np.asarray(pixels, np.float32), grid.affine, grid.frame_of_reference_uid), float(covered.mean())
