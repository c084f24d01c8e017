"""An anomaly map on a phantom: fractional and binary SEG, the page and the numbers; with and without thresholds."""

from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from samples.judges import dciodvfy, dcmqi_groups

from fedbundle.bundle.layout import Bundle
from fedbundle.clinic.anomaly import Anomaly
from fedbundle.clinic.findings import Target
from fedbundle.clinic.study import Study, read_study
from fedbundle.dicom.pixels.volume import write_nifti
from fedbundle.dicom.seg.dicom_out import AnomalyOut, read_dicom_out
from fedbundle.dicom.seg.fractional import read_fractional
from fedbundle.dicom.seg.read import read_segmentation
from fedbundle.dicom.seg.write import Model
from fedbundle.errors import NoUsableSeriesError, PredictionError, SegmentationError
from fedbundle.files import write_json
from fedbundle.phantom.brain_mri_anomaly import write_patient

BUNDLE = Path(__file__).parents[2] / "bundles" / "brain_mri_anomaly"
MODEL = Model("brain_mri_anomaly", "0.1.0", "sha256:" + "0" * 64)


@dataclass(frozen=True)
class Place:
    """A study with a mass, where it is, and where inference writes."""

    study: Study
    wanted: AnomalyOut
    mask: NDArray[np.bool_]
    output: Path

    def found(self, *, limit: float | None = 0.2, rows: int | None = None) -> Anomaly:
        """As if inference had found the mass 0.5 brighter, and one corner of it 0.3 darker, and seen so many rows."""
        volume = self.study.volume("image")
        brain = (volume.array > 0).astype(np.float32)
        dark = np.zeros_like(brain)
        dark[tuple(np.argwhere(self.mask)[0])] = 0.3
        bright = 0.5 * (self.mask & (dark == 0)).astype(np.float32)
        for name, values in (("reconstruction", brain), ("bright", bright), ("dark", dark)):
            write_nifti(values, volume.affine, self.output / f"study_{name}.nii.gz")
        whole = {"field": np.zeros(brain.shape, np.uint8)}
        whole["field"][:, :rows] = 1
        if limit:
            whole["above"] = np.where(bright > limit, 1, np.where(dark > limit, 2, 0)).astype(np.uint8)
        for name, labels in whole.items():
            write_nifti(labels, volume.affine, self.output / f"study_{name}.nii.gz")
        limits = dict.fromkeys(("bright", "dark", "absolute"), limit)
        write_json(self.output / "study_limits.json", {"limits": limits, "false_positive_rate": 0.01})
        return Anomaly.read(self.output, self.study, self.wanted)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    write_patient(tmp_path / "study", tmp_path / "mask.nii.gz", "site-b", 1, 5)
    wanted = read_dicom_out(BUNDLE)
    assert isinstance(wanted, AnomalyOut)
    study = read_study(tmp_path / "study", Bundle.open(BUNDLE), tmp_path)
    mask = np.asarray(nibabel.nifti1.load(tmp_path / "mask.nii.gz").dataobj).transpose(2, 1, 0) > 0
    return Place(study, wanted, mask, tmp_path / "output")


def test_all_objects_are_sound_and_hold_what_was_found(place: Place, tmp_path: Path) -> None:
    found = place.found()
    (tmp_path / "out").mkdir()
    target = Target(tmp_path / "out", "brain", MODEL)
    found.write(target)
    assert sorted(path.name for path in target.folder.iterdir()) == sorted(f"brain{end}" for end in found.objects())
    for path in target.folder.iterdir():
        assert not [line for line in dciodvfy(path) if line.startswith("Error")]
    affine, shape = found.volume.affine, found.volume.array.shape
    maps = read_fractional(target.segmentation, (2, *shape), affine)
    assert np.allclose(maps[0][found.maps.labels == 1], 0.5, atol=1 / 255)
    assert np.isclose(maps[1].max(), 0.3, atol=1 / 255)
    masks = read_segmentation(target.folder / "brain.threshold.seg.dcm", shape, affine).masks
    assert np.array_equal(masks[1] | masks[2], place.mask)
    assert int(masks[2].sum()) == 1
    groups = dcmqi_groups(target.report, tmp_path)
    assert [group["numbers"]["118565006"] for group in groups] == [each["above_ml"] for each in found.data()["signs"]]
    labels = [item.SegmentLabel for item in dcmread(target.segmentation).SegmentSequence]
    assert labels == [f"{name} than restored, residual, no probability" for name in ("Brighter", "Darker")]


def test_numbers_and_page_tell_the_same(place: Place) -> None:
    found = place.found()
    millilitres = float(place.mask.sum() - 1) * np.prod(found.volume.spacing) / 1000
    assert found.data()["signs"][0]["above_ml"] == pytest.approx(millilitres, abs=1e-3)
    assert f"{millilitres:.1f} mL" in found.headline
    assert f"{millilitres:.1f} <" in found.summary()
    assert found.pictures().count("<figure>") >= 5
    assert "names no disease" in found.limits.replace("\n", " ")


def test_without_a_threshold_of_a_site_only_the_residual_is_told(place: Place, tmp_path: Path) -> None:
    found = place.found(limit=None)
    assert found.objects() == (".seg.dcm",)
    assert found.data()["thresholds"] is None
    assert "no threshold" in found.doubts[0]
    assert "no threshold" in found.headline
    (tmp_path / "out").mkdir()
    found.write(Target(tmp_path / "out", "brain", MODEL))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["brain.seg.dcm"]


def test_limits_that_are_none_are_refused(place: Place) -> None:
    with pytest.raises(PredictionError, match="numbers above 0 or null"):
        place.found(limit=-1.0)


def test_much_above_the_threshold_asks_for_a_second_look(place: Place) -> None:
    everywhere = place.found(limit=0.2)
    everywhere.maps.labels[everywhere.volume.array > 0] = 1
    assert "100.0% of the brain" in everywhere.doubts[0]


def test_a_brain_that_the_field_cuts_asks_for_a_second_look(place: Place) -> None:
    brain = place.study.volume("image").array > 0
    share = brain[:, 40:].sum() / brain.sum()
    assert not place.found().doubts
    assert f"{share:.1%} of the brain lies outside the field" in place.found(rows=40).doubts[0]


def test_labels_of_another_kind_are_refused(place: Place) -> None:
    place.found()
    volume = place.study.volume("image")
    write_nifti(np.full(volume.array.shape, 3, np.uint8), volume.affine, place.output / "study_above.nii.gz")
    with pytest.raises(PredictionError, match="whole numbers from 0 to 2"):
        Anomaly.read(place.output, place.study, place.wanted)


def test_a_head_with_its_skull_is_refused(tmp_path: Path) -> None:
    write_patient(tmp_path / "study", tmp_path / "mask.nii.gz", "site-a-skull", 1, 1)
    with pytest.raises(NoUsableSeriesError, match=r"SKULL_PRESENT.*removed the skull"):
        read_study(tmp_path / "study", Bundle.open(BUNDLE), tmp_path)


def test_a_fraction_above_one_is_refused(place: Place, tmp_path: Path) -> None:
    from fedbundle.dicom.seg.fractional import write_fractional
    from fedbundle.dicom.seg.segments import Labelled

    labelled = Labelled("x", "X", (place.wanted.bright,))
    maps = np.full((1, *place.mask.shape), 1.5, np.float32)
    sources = place.study.headers("image")
    with pytest.raises(SegmentationError, match="from 0 to 1"):
        write_fractional(maps, place.study.volume("image").affine, sources, labelled, MODEL, tmp_path / "x.dcm")
