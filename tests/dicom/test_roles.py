"""The right series of a study is chosen by what its headers measure, and every decision has its reason."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from samples.dicom_series import Stack, make_slices, set_value, write_slices

from fedbundle.dicom.roles import Choice, choose
from fedbundle.dicom.series import scan
from fedbundle.errors import BundleError, NoUsableSeriesError


@pytest.fixture(scope="module")
def rules(repository: Path) -> dict[str, Any]:
    """Rules of the prostate bundle."""
    content: dict[str, Any] = json.loads((repository / "bundles/prostate_mri_zones/configs/ingest.json").read_text())
    return content


def add(folder: Path, stack: Stack, **attributes: object) -> None:
    """Write one more series of the study."""
    slices = make_slices(stack)
    for image in slices:
        for keyword, value in attributes.items():
            set_value(image, keyword, value)
    write_slices(folder / str(stack.number), slices)


def reasons(choice: Choice) -> dict[int, str]:
    """Code of each series by its number."""
    return {int(decision.series.first.SeriesNumber): decision.code for decision in choice.decisions}


def test_the_t2_is_told_from_its_neighbours_without_help_of_names(tmp_path: Path, rules: dict[str, Any]) -> None:
    unnamed = {"SeriesDescription": "serie", "ProtocolName": "serie"}
    add(tmp_path, Stack(number=1, turn=(0, 90, 90)), **unnamed)
    add(tmp_path, Stack(number=2), **unnamed)
    add(tmp_path, Stack(number=3), **unnamed, EchoTime=12)
    add(tmp_path, Stack(number=4), **unnamed, ImageType=["DERIVED", "PRIMARY", "DIFFUSION", "ADC"])
    add(tmp_path, Stack(number=5), **unnamed, ScanningSequence="EP")
    add(tmp_path, Stack(number=6), **unnamed, DiffusionBValue=800.0)
    choice = choose(scan(tmp_path), rules)
    assert choice.require()["image"].first.SeriesNumber == 2
    assert reasons(choice) == {
        1: "WRONG_ORIENTATION",
        2: "USED",
        3: "WRONG_ECHO_TIME",
        4: "WRONG_DIFFUSION",
        5: "WRONG_SEQUENCE",
        6: "WRONG_DIFFUSION",
    }


def test_of_two_candidates_the_finer_is_chosen_and_both_are_told(tmp_path: Path, rules: dict[str, Any]) -> None:
    add(tmp_path, Stack(number=1, spacing=(0.9, 0.9)))
    add(tmp_path, Stack(number=2, spacing=(0.6, 0.6)))
    choice = choose(scan(tmp_path), rules)
    assert reasons(choice) == {1: "NOT_PREFERRED", 2: "USED"}
    told = {decision.code: decision.detail for decision in choice.decisions}
    assert "0.6x0.6x3 mm, echo time 104 ms: first of 2 by finest_pixels" in told["USED"]
    assert "0.9x0.9x3 mm" in told["NOT_PREFERRED"]


def test_a_repeated_acquisition_is_preferred_to_the_first(tmp_path: Path, rules: dict[str, Any]) -> None:
    add(tmp_path, Stack(number=1), AcquisitionTime="101112.5")
    add(tmp_path, Stack(number=2), AcquisitionTime="103000")
    assert choose(scan(tmp_path), rules).require()["image"].first.SeriesNumber == 2


def test_a_study_has_the_code_of_the_series_that_was_meant(tmp_path: Path, rules: dict[str, Any]) -> None:
    add(tmp_path, Stack(number=1, turn=(0, 90, 90)))
    write_slices(tmp_path / "2", [image for i, image in enumerate(make_slices(Stack(number=2))) if i != 4])
    choice = choose(scan(tmp_path), rules)
    assert choice.code == "MISSING_SLICE"
    with pytest.raises(NoUsableSeriesError, match="got MISSING_SLICE"):
        choice.require()


def test_no_series_at_all_for_a_role_is_said(tmp_path: Path, rules: dict[str, Any]) -> None:
    add(tmp_path, Stack(number=1, turn=(0, 90, 90)))
    add(tmp_path, Stack(number=2), EchoTime=10)
    assert choose(scan(tmp_path), rules).code == "NO_SERIES_FOR_ROLE"


def test_a_series_plays_one_role_only(tmp_path: Path) -> None:
    add(tmp_path, Stack(number=1))
    add(tmp_path, Stack(number=2, spacing=(0.6, 0.6)))
    role = {"modality": "MR", "rank": ["finest_pixels"]}
    chosen = choose(scan(tmp_path), {"inputs": {"image": role, "second": role}}).require()
    assert [chosen[name].first.SeriesNumber for name in ("image", "second")] == [2, 1]


@pytest.mark.parametrize(
    ("role", "message"),
    [
        ({}, "modality"),
        ({"modality": "MR", "echo": 3}, "echo"),
        ({"modality": "MR", "description": {"none": ["("]}}, "must be a regular expression"),
    ],
)
def test_bad_rules_are_refused(role: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError) as caught:
        choose([], {"inputs": {"image": role}})
    assert message in str(caught.value)


def test_the_transverse_t2_of_a_real_study(testdata: Callable[[str], Path], rules: dict[str, Any]) -> None:
    choice = choose(scan(testdata("prostate_mr/ProstateX-0000")), rules)
    assert choice.require()["image"].first.SeriesDescription == "t2_tse_tra"
    told = {decision.series.first.SeriesDescription: (decision.code, decision.detail) for decision in choice.decisions}
    assert told["t2_tse_tra"] == (
        "USED",
        "transverse (18 degrees oblique), 384x384x19, 0.5x0.5x3 mm, echo time 104 ms: the only candidate",
    )
    assert {name: code for name, (code, _) in told.items() if code != "USED"} == {
        "t2_tse_sag": "WRONG_ORIENTATION",
        "t2_tse_cor": "WRONG_ORIENTATION",
        "ep2d_diff_tra_DYNDIST": "MULTI_B_VALUE",
        "ep2d_diff_tra_DYNDIST_ADC": "WRONG_DIFFUSION",
        "ep2d_diff_tra_DYNDISTCALC_BVAL": "WRONG_DIFFUSION",
        "tfl_3d PD ref_tra_1.5x1.5_t3": "WRONG_SEQUENCE",
    }
