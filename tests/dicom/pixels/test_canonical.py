"""However slices were acquired, the picture must show the patient's right at the left edge and the front on top."""

import numpy as np
import pytest
from numpy.typing import NDArray
from samples.oblique_series import rotated

from fedbundle.dicom.pixels.canonical import Canonical

TURNS = {
    "transverse": (rotated(0, 0, 0), "transverse"),
    "head first": (rotated(180, 0, 0), "transverse"),
    "upside down": (rotated(0, 0, 180), "transverse"),
    "oblique": (rotated(20, -10, 15), "transverse"),
    "sagittal": (np.array([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]]), "sagittal"),
    "coronal": (np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), "coronal"),
}


def affine_of(turn: NDArray[np.float64], spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3] = turn * np.array(spacing)
    return affine


@pytest.mark.parametrize(("turn", "native"), TURNS.values(), ids=TURNS)
def test_axes_run_to_head_back_and_left(turn: NDArray[np.float64], native: str) -> None:
    shape = (5, 7, 9)  # slice, row, column
    affine = affine_of(turn, (0.5, 0.75, 3.0))
    index = np.indices(shape)[::-1].reshape(3, -1)  # column, row, slice
    lps = (affine[:3, :3] @ index).reshape(3, *shape)
    view = Canonical.of(affine)
    assert view.native == native
    for axis, patient_axis in ((0, 2), (1, 1), (2, 0)):  # S, P, L of L, P, S
        assert (np.diff(view.turn(lps[patient_axis]), axis=axis) > 0).all()
    assert sorted(view.spacing) == pytest.approx([0.5, 0.75, 3.0])


def test_radiological_convention_in_every_plane() -> None:
    view = Canonical.of(affine_of(rotated(0, 0, 180), (1.0, 1.0, 3.0)))
    head, back, left = np.indices((4, 5, 6))
    transverse = view.picture(left, "transverse", 0), view.picture(back, "transverse", 0)
    assert transverse[0][0].tolist() == [0, 1, 2, 3, 4, 5] and transverse[1][:, 0].tolist() == [0, 1, 2, 3, 4]
    coronal = view.picture(left, "coronal", 0), view.picture(head, "coronal", 0)
    assert coronal[0][0].tolist() == [0, 1, 2, 3, 4, 5] and coronal[1][:, 0].tolist() == [3, 2, 1, 0]
    sagittal = view.picture(back, "sagittal", 0), view.picture(head, "sagittal", 0)
    assert sagittal[0][0].tolist() == [0, 1, 2, 3, 4] and sagittal[1][:, 0].tolist() == [3, 2, 1, 0]
    assert view.pixel("transverse") == (1.0, 1.0) and view.pixel("coronal") == (3.0, 1.0)


def test_a_picture_knows_its_source_slice() -> None:
    down = Canonical.of(affine_of(rotated(180, 0, 0), (1.0, 1.0, 3.0)))
    array = np.arange(4)[:, None, None] * np.ones((4, 2, 2))
    assert [down.source_slice(index, 4) for index in range(4)] == down.turn(array)[:, 0, 0].tolist() == [3, 2, 1, 0]
