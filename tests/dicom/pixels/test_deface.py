"""Faces out by a program of the hospital: real processes, which do it well, badly or not at all."""

from pathlib import Path

import numpy as np
import pytest
from samples.deface_program import write_deface_program

from fedbundle.dicom.pixels.deface import DefaceError, deface
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.errors import OutputError

AFFINE = np.array([[0, 2.0, 0, -40], [1.5, 0, 0, -30], [0, 0, -3, 9], [0, 0, 0, 1]])  # turned and upside down


def head() -> Volume:
    """A block of noise above an offset, so that no voxel is background."""
    noise = np.random.default_rng(0).integers(100, 900, (10, 20, 30)).astype(np.float32)
    return Volume(noise, AFFINE, "1.2.3")


@pytest.mark.parametrize("work", ["voxels[:, :, :2] = 0", "voxels = voxels.astype('f4'); voxels[:, :, :2] = np.nan"])
def test_what_the_program_changed_is_background_and_all_else_stays(work: str, tmp_path: Path) -> None:
    before = head()
    after, share = deface(before, write_deface_program(tmp_path, work), tmp_path)
    assert share == pytest.approx(2 / 10)
    assert (after.array[-2:] == before.array.min()).all()  # the last slices are the lowest
    assert np.array_equal(after.array[:-2], before.array[:-2])
    assert np.array_equal(after.affine, before.affine)


def test_the_program_gets_the_head_upright(tmp_path: Path) -> None:
    work = "assert nibabel.aff2axcodes(affine) == ('R', 'A', 'S'), affine; voxels[-3:] = 0  # the patient's right"
    after, _ = deface(head(), write_deface_program(tmp_path, work), tmp_path)
    emptied = np.argwhere(after.array != head().array)
    places = (AFFINE[:3, :3] @ emptied[:, ::-1].T + AFFINE[:3, 3:])[0]  # mm to the patient's left
    everywhere = (AFFINE[:3, :3] @ np.indices((30, 20, 10)).reshape(3, -1) + AFFINE[:3, 3:])[0]
    assert places.max() < np.percentile(everywhere, 20)


@pytest.mark.parametrize(
    ("work", "told"),
    [
        ("", "0.0% of the voxels changed"),
        ("voxels = voxels * 2", "100.0% of the voxels changed"),
        ("voxels = voxels[:-1]", "another grid"),
        ("affine = affine @ np.diag([-1, 1, 1, 1])", "another grid"),
        ("sys.exit(3)", "exit code 3"),
        ("sys.exit(0)", "no NIfTI"),
        ("open(sys.argv[2], 'w').write('face'); sys.exit(0)", "no NIfTI"),
        ("import time; time.sleep(60)", "no end of it within 1 s"),
    ],
)
def test_a_program_that_does_otherwise_is_not_believed(work: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(DefaceError, match=told):
        deface(head(), write_deface_program(tmp_path, work), tmp_path, longest=1 if "sleep" in work else 60)


def test_all_that_shows_the_face_lies_in_the_place_that_is_given(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    work = f"""import os, tempfile
for place in (sys.argv[1], sys.argv[2], os.getcwd(), tempfile.gettempdir()):
    assert place.startswith({str(scratch)!r}), place
voxels[:, :, :2] = 0"""
    deface(head(), write_deface_program(tmp_path, work), scratch)
    assert not list(scratch.iterdir())
    with pytest.raises(OutputError, match="No such file or directory"):
        deface(head(), write_deface_program(tmp_path, work), tmp_path / "gone")


def test_a_program_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    with pytest.raises(DefaceError, match="Permission denied when it was started"):
        (tmp_path / "program").write_text("")
        deface(head(), [str(tmp_path / "program"), "{input}", "{output}"], tmp_path)
