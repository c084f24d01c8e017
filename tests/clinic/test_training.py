"""What the page tells of a training comes from the ledger, with headings a person understands."""

from pathlib import Path

import pytest
from samples.small_ledger import LEDGER
from samples.threshold_bundle import change, write_threshold_bundle

from fedbundle.bundle.layout import Bundle
from fedbundle.clinic.training import read_training, trained_on_phantoms
from fedbundle.dicom.seg.dicom_out import DicomOut, read_dicom_out
from fedbundle.errors import BundleError
from fedbundle.files import write_json


def opened(folder: Path) -> tuple[Bundle, DicomOut]:
    root = write_threshold_bundle(folder, weights=False)
    return Bundle.open(root), read_dicom_out(root)


def test_a_ledger_is_summed_up(tmp_path: Path) -> None:
    bundle, wanted = opened(tmp_path)
    write_json(bundle.root / "provenance" / "ledger.json", LEDGER)
    training = read_training(bundle, wanted)
    assert training and (training.outcome, training.rounds) == ("COMPLETED", 1)
    assert [(site.name, site.rounds, site.cases, site.state) for site in training.sites] == [
        ("hospital-a", 1, "13", ""),
        ("hospital-b", 0, "-", "refused"),
    ]
    assert training.metrics == ("Dice, transition zone", "Dice, peripheral zone")
    assert training.results[0] == ("test", "hospital-a", "10 / <5", "0.81 (0.75 to 0.87)", "-")


def test_metrics_that_calibrate_have_no_column(tmp_path: Path) -> None:
    bundle, wanted = opened(tmp_path)
    write_json(bundle.root / "provenance" / "ledger.json", LEDGER)
    change(bundle.root, "configs/train.json", calibration={"weight": "temperature", "metrics": {"dice_2": 0.5}})
    training = read_training(bundle, wanted)
    assert training and training.metrics == ("Dice, transition zone",)
    assert training.results[0] == ("test", "hospital-a", "10", "0.81 (0.75 to 0.87)")


def test_no_ledger_is_told_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    bundle, wanted = opened(tmp_path)
    assert read_training(bundle, wanted) is None
    write_json(bundle.root / "provenance" / "ledger.json", {"sites": []})
    with pytest.raises(BundleError, match="fedbundle-ledger-1"):
        read_training(bundle, wanted)


def test_metadata_that_name_phantoms_make_the_warning(tmp_path: Path) -> None:
    bundle, _ = opened(tmp_path)
    assert not trained_on_phantoms(bundle)
    change(bundle.root, "configs/metadata.json", data_source="synthetic patients")
    assert trained_on_phantoms(Bundle.open(bundle.root))
