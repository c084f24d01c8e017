"""The motion of a study is rigid, keyed, the same for all its images, and far from none."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from samples.dicom_series import Stack, make_slices, write_slices

from fedbundle.dicom.deid.deidentify import deidentify
from fedbundle.dicom.deid.rebase import Rebase
from fedbundle.dicom.pixels.volume import Volume

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


@pytest.mark.parametrize("study", ["1.2.3", "1.2.4", "1.2.5"])
def test_the_motion_is_proper_and_keyed(study: str) -> None:
    motion = Rebase.of(KEY, study).matrix
    turn = motion[:3, :3]
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    assert 3 <= np.degrees(np.arccos((np.trace(turn) - 1) / 2)) <= 10
    assert np.array_equal(motion, Rebase.of(KEY, study).matrix)
    assert np.abs(motion - Rebase.of(OTHER, study).matrix).max() > 1
    assert np.abs(motion - Rebase.of(KEY, study + "1").matrix).max() > 1


def test_kept_images_lie_where_the_volume_lies(tmp_path_factory: pytest.TempPathFactory) -> None:
    stack = Stack(turn=(18.5, -7, 31))
    motion = Rebase.of(KEY, stack.study_uid)
    source, clean = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("clean")
    slices = make_slices(stack)
    for image in slices:
        image.SliceLocation = 12.5
        image.SAR = 1.5322705076668
        nested = Dataset()
        nested.ImagePositionPatient = list(image.ImagePositionPatient)
        frame = Dataset()
        frame.PlanePositionSequence = [nested]
        image.PerFrameFunctionalGroupsSequence = [frame]
    before = Volume.read(list(write_slices(source, slices).iterdir()))
    moved = [deidentify(image, KEY, motion=motion) for image in slices]
    after = Volume.read(list(write_slices(clean, moved).iterdir()))
    assert np.allclose(after.affine, motion.affine(before.affine), atol=1e-6)
    assert np.abs(after.affine - before.affine)[:3, 3].max() > 1
    assert after.spacing == pytest.approx(before.spacing)
    assert np.array_equal(after.array, before.array)
    nested = moved[0].PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient
    assert nested == moved[0].ImagePositionPatient
    assert not {"SliceLocation", "SAR"} & {element.keyword for element in moved[0]}
