"""A known rigid motion between a T2 and a PET is found again, told with numbers, and refused where it cannot be."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from samples.anatomy import rigid, volume

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.pixels.register import MOST_APART_MM, RegistrationError, register
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import scan

NOISE = 0.02
T2, PET = ((20, 96, 96), (2.0, 2.0, 3.0)), ((50, 100, 100), (4.0, 4.0, 3.27))


@pytest.fixture(scope="module")
def t2() -> Volume:
    return volume("t2", *T2, noise=NOISE)


def pet(motion: Array) -> Volume:
    return volume("pet", *PET, motion=motion, frame="1.2.4", noise=NOISE)


def corner_error(found: Array, true: Array) -> float:
    """Largest distance in mm at the corners of the middle half of the T2."""
    corners = np.array([[x, y, z, 1.0] for x in (-48, 48) for y in (-48, 48) for z in (-14, 14)])
    return float(np.linalg.norm((corners @ (found - true).T)[:, :3], axis=1).max())


@pytest.mark.parametrize(
    ("mm", "degrees"),
    [((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)), ((5.0, -8.0, 6.0), (3.0, -2.0, 4.0)), ((-12.0, 10.0, 15.0), (-5.0, 4.0, 6.0))],
)
def test_a_known_motion_is_found_within_two_millimetres(
    mm: tuple[float, float, float], degrees: tuple[float, float, float], t2: Volume
) -> None:
    motion = rigid(mm, degrees)
    found = register(t2, pet(motion))
    assert corner_error(found.matrix, motion) < 2.0  # half a voxel of the PET
    assert corner_error(found.matrix, motion) < found.inverse_error_mm  # what is told is no flattery
    assert found.translation_mm == pytest.approx(np.linalg.norm(mm), abs=1.5)
    assert found.mutual_information >= found.mutual_information_before
    assert max(found.repeatability_mm, found.inverse_error_mm) <= MOST_APART_MM


@pytest.mark.slow
def test_the_same_volumes_give_the_same_numbers_whatever_the_threads(t2: Volume) -> None:
    moved = pet(rigid((4.0, 3.0, -5.0), (0.0, 2.0, 0.0)))
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    try:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
        one = register(t2, moved)
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(4)
        four = register(t2, moved)
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    assert np.array_equal(one.matrix, four.matrix)
    assert one.told() == four.told()


def test_what_cannot_be_registered_is_refused(t2: Volume) -> None:
    moved = pet(rigid((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)))
    noise = np.random.default_rng(1).normal(size=moved.array.shape).astype(np.float32)
    empty = np.zeros_like(moved.array)
    far = moved.affine.copy()
    far[2, 3] += 500
    for name, array, affine in (
        ("apart|comes back", noise, moved.affine),
        ("one value", empty, moved.affine),
        ("do not overlap", moved.array, far),
    ):
        with pytest.raises(RegistrationError, match=name):
            register(t2, Volume(array, affine, "1.2.4"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mm", "degrees", "told"),
    [((40.0, 25.0, 25.0), (0.0, 0.0, 0.0), "5[345] mm and 0"), ((0.0, 0.0, 0.0), (0.0, 0.0, 22.0), "[01] mm and 22")],
)
def test_a_motion_too_far_for_one_patient_is_refused(
    mm: tuple[float, float, float], degrees: tuple[float, float, float], told: str, t2: Volume
) -> None:
    with pytest.raises(RegistrationError, match=f"a motion of {told} degrees, wanted at most 50 mm and 20 degrees"):
        register(t2, pet(rigid(mm, degrees)))


@pytest.mark.slow
def test_coordinates_of_a_real_hybrid_scanner_stand(testdata: Callable[[str], Path]) -> None:
    """PET and CT have two frames of reference whose coordinates agree; no motion gains enough to be believed."""
    (ct,), (pet_of_it,) = (scan(testdata(f"pet_ct/CCTH-A01_{name}")) for name in ("CT_pelvis", "PET"))
    fixed = Volume.of(ct)
    coarse = Volume(fixed.array[::2, ::4, ::4], fixed.affine @ np.diag([4.0, 4.0, 2.0, 1.0]), "")
    found = register(coarse, Volume.of(pet_of_it))
    assert np.array_equal(found.matrix, np.eye(4))
    assert found.mutual_information == found.mutual_information_before
    assert 1.0 < found.inverse_error_mm < MOST_APART_MM
