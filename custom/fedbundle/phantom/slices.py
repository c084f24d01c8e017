"""Where the slices of a volume stand in DICOM (PS3.3 C.7.6.2, Image Plane Module; C.7.4.1, Frame of Reference)."""

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from fedbundle.phantom.canvas import Grid
from fedbundle.phantom.dicom_study import Exam

TRANSVERSE = np.eye(3)
SAGITTAL = np.array([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]])
CORONAL = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""3x3, columns = directions of column index, row index and slice index in LPS."""


def centred(
    shape: tuple[int, int, int],
    pixel_mm: float,
    thickness_mm: float,
    spacing_mm: float,
    plane: NDArray[np.float64],
    centre: NDArray[np.float64],
) -> Grid:
    """Grid [slice, row, column] about `centre` (LPS mm); `plane` 3x3 as TRANSVERSE, `spacing_mm` between slices."""
    affine = np.eye(4)
    affine[:3, :3] = plane * (pixel_mm, pixel_mm, spacing_mm)
    affine[:3, 3] = centre - affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    return Grid(shape, printable(affine), thickness_mm)


def printable(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine that remains when direction and position are written as decimal strings (6 and 9 decimals)."""
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    rounded = affine.copy()
    rounded[:3, :3] = np.round(affine[:3, :3] / steps, 9) * steps
    rounded[:3, 3] = np.round(affine[:3, 3], 6)
    return rounded


def add_frame(d: Dataset, exam: Exam) -> None:
    """The frame of reference of the exam, which all its series of slices share."""
    d.FrameOfReferenceUID, d.PositionReferenceIndicator = exam.uid("frame"), ""


def place(d: Dataset, grid: Grid, index: int) -> None:
    """Orientation, position and pixel spacing of slice `index`."""
    steps = np.linalg.norm(grid.affine[:3, :3], axis=0)
    row, column = grid.affine[:3, 0] / steps[0], grid.affine[:3, 1] / steps[1]
    corner = grid.affine[:3, 3] + index * grid.affine[:3, 2]
    d.ImageOrientationPatient = [f"{value:.9f}" for value in (*row, *column)]
    d.ImagePositionPatient = [f"{value:.6f}" for value in corner]
    d.SliceLocation = f"{corner @ np.cross(row, column):.4f}"
    d.PixelSpacing = [f"{steps[1]:.6g}", f"{steps[0]:.6g}"]
