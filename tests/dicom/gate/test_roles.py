"""The right series of a study is chosen by what its headers measure, and every decision has its reason."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from samples.dicom_series import Stack, make_slices, set_value, write_slices
from samples.multi_frame import volumes
from samples.pet_series import make_pet
from samples.plain_film import make_film
from samples.roles import ROLES, role

from fedbundle.dicom.gate.overrides import with_site
from fedbundle.dicom.gate.roles import Choice, choose
from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.dicom.gate.split import split
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import scan, survey
from fedbundle.errors import BundleError, NoUsableSeriesError, SiteError
from fedbundle.site.settings import checked_settings


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


def own_grid(wanted: dict[str, Any]) -> dict[str, Any]:
    """The role without `resample_to`."""
    return {rule: value for rule, value in wanted.items() if rule != "resample_to"}


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
    wanted = {"modality": "MR", "rank": ["finest_pixels"]}
    chosen = choose(scan(tmp_path), {"inputs": {"image": wanted, "second": wanted}}).require()
    assert [chosen[name].first.SeriesNumber for name in ("image", "second")] == [2, 1]


def add_diffusion(folder: Path, number: int = 1) -> None:
    """A DWI with measured b 50 and 800 in one series."""
    slices = volumes(
        make_slices(Stack(number=number)), 2, lambda image, k: setattr(image, "DiffusionBValue", 50 + 750.0 * k)
    )
    write_slices(folder / str(number), slices)


def test_two_b_values_of_one_series_play_two_roles(tmp_path: Path) -> None:
    add_diffusion(tmp_path)
    roles = {"low": {"modality": "MR", "b_value": {"max": 60}}, "high": {"modality": "MR", "b_value": {"min": 700}}}
    choice = choose(scan(tmp_path), {"inputs": roles})
    chosen = choice.require()
    assert {name: set(volume.b_values) for name, volume in chosen.items()} == {"low": {50.0}, "high": {800.0}}
    assert [(each.role, each.code, each.detail[:6]) for each in choice.decisions] == [
        ("low", "USED", "b 50: "),
        ("high", "USED", "b 800:"),
    ]


@pytest.mark.parametrize(("calculated", "number"), [("prefer measured", 1), (True, 2), (False, 1)])
def test_a_measured_b_value_is_told_from_a_calculated_one(calculated: bool | str, number: int, tmp_path: Path) -> None:
    add_diffusion(tmp_path)
    add(tmp_path, Stack(number=2), DiffusionBValue=1000.0, SeriesDescription="ep2d_diff_CALC_BVAL")
    wanted = {"modality": "MR", "b_value": {"min": 700, "calculated": calculated}, "rank": ["highest_b"]}
    choice = choose(scan(tmp_path), {"inputs": {"high_b": wanted}})
    assert choice.require()["high_b"].first.SeriesNumber == number
    other = {code for each, code in reasons(choice).items() if each != number}
    assert other == {"NOT_PREFERRED" if calculated == "prefer measured" else "WRONG_B_VALUE"}


def test_of_two_radiographs_in_one_series_the_view_decides(tmp_path: Path) -> None:
    front, side = make_film(), make_film()
    side.ViewPosition, side.SOPInstanceUID = "LL", f"{side.SOPInstanceUID}.7"
    write_slices(tmp_path, [side, front])
    choice = choose(scan(tmp_path), {"inputs": {"image": role("ap_pelvis")}})
    assert choice.require()["image"].first.ViewPosition == "AP"
    assert choice.decisions[0].detail.startswith("image ")


SITE: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "prefer": ({"prefer": ["hausname"]}, {"SeriesDescription": "serie", "ProtocolName": "serie"}, "USED"),
    "none": ({"none": ["tse_tra"]}, {}, "WRONG_DESCRIPTION"),
    "also": ({"also": ["hausname"]}, {"SeriesDescription": "hausname dce"}, "USED"),
    "body part": ({"body_part": ["BECKEN"]}, {"BodyPartExamined": "BECKEN"}, "USED"),
    "age": ({"age_years": {"min": 60}}, {}, "USED"),
}


@pytest.mark.parametrize("name", SITE)
def test_a_line_in_site_toml_decides_and_is_told(name: str, tmp_path: Path) -> None:
    added, attributes, code = SITE[name]
    wanted = role("t2_transverse") | {"age_years": {"min": 80}} if name == "age" else role("t2_transverse")
    add(tmp_path, Stack(number=1), **attributes)
    if name == "prefer":
        add(tmp_path, Stack(number=2), SeriesDescription="hausname", ProtocolName="hausname")
    rules = {"inputs": {"image": wanted}}
    number = 2 if name == "prefer" else 1
    assert reasons(choose(scan(tmp_path), rules))[number] != code
    told = {
        int(each.series.first.SeriesNumber): each for each in choose(scan(tmp_path), rules, {"image": added}).decisions
    }
    assert told[number].code == code
    assert all(each.detail.endswith("; by the site's rule") for each in told.values())


def test_what_the_site_does_not_decide_is_not_put_down_to_it(tmp_path: Path) -> None:
    add(tmp_path, Stack(number=1))
    rules = {"inputs": {"image": role("t2_transverse")}}
    plain = [(each.code, each.detail) for each in choose(scan(tmp_path), rules).decisions]
    site = {"image": {"prefer": ["t2"], "none": ["motion"]}}
    assert [(each.code, each.detail) for each in choose(scan(tmp_path), rules, site).decisions] == plain
    with pytest.raises(SiteError, match="must name roles of the bundle"):
        choose(scan(tmp_path), rules, {"imgae": {"prefer": ["t2"]}})


@pytest.mark.parametrize("name", ROLES)
def test_the_roles_of_later_bundles_keep_the_schema(name: str) -> None:
    inputs = {"t2_transverse": role("t2_transverse")} | {name: role(name)}
    assert choose([], {"inputs": inputs}).code == "NO_SERIES_FOR_ROLE"


def test_a_flair_is_told_by_its_inversion_time(tmp_path: Path) -> None:
    head = {"BodyPartExamined": "HEAD", "SeriesDescription": "serie", "ProtocolName": "serie"}
    add(tmp_path, Stack(number=1, slices=16), **head)
    add(tmp_path, Stack(number=2, slices=16), **head, ScanningSequence=["SE", "IR"], InversionTime=2500)
    add(tmp_path, Stack(number=3, slices=16), **head, ScanningSequence=["SE", "IR"], InversionTime=150)
    choice = choose(scan(tmp_path), {"inputs": {"image": role("flair")}})
    assert reasons(choice) == {1: "WRONG_SEQUENCE", 2: "USED", 3: "WRONG_INVERSION_TIME"}


def test_the_page_of_rules_names_each_and_its_examples_are_valid(repository: Path) -> None:
    page = (repository / "docs" / "reference" / "ingest-rules.md").read_text(encoding="utf-8")
    schema = json.loads((repository / "custom/fedbundle/dicom/gate/ingest.schema.json").read_text())
    assert not [
        rule for rule in schema["$defs"]["role"]["properties"] if f"`{rule}`" not in page and f'"{rule}"' not in page
    ]
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (settings,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    site = checked_settings({"name": "a"} | tomllib.loads(settings))["roles"]["prostate_mri_zones"]
    assert not with_site(checked_rules({"inputs": {"image": json.loads(example)}}), site)["inputs"]["image"].keys() - {
        *json.loads(example),
        "description",
    }


@pytest.mark.parametrize(
    ("rules_of_role", "message"),
    [
        ({}, "modality"),
        ({"modality": "MR", "echo": 3}, "echo"),
        ({"modality": "MR", "description": {"none": ["("]}}, "must be a regular expression"),
        ({"modality": "MR", "b_value": {"least": 3}}, "least"),
        ({"modality": "MR", "split": ["b_value"]}, "b_value"),
        ({"modality": ["CR", "dx"]}, "modality"),
    ],
)
def test_bad_rules_are_refused(rules_of_role: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError) as caught:
        checked_rules({"inputs": {"image": rules_of_role}})
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


def test_diffusion_of_a_real_study_is_split(testdata: Callable[[str], Path]) -> None:
    study = scan(testdata("prostate_mr/ProstateX-0000"))
    (diffusion,) = [each for each in study if len(each.files) == 57]
    parts, refusal = split(diffusion, role("high_b"))
    assert refusal is None
    assert [(part.told, len(part.files)) for part in parts] == [("b 50", 19), ("b 400", 19), ("b 800", 19)]
    choice = choose(study, {"inputs": {name: role(name) for name in ("t2_transverse", "adc", "high_b")}})
    volumes_read = {name: Volume.of(volume) for name, volume in choice.require().items()}
    assert {name: each.array.shape for name, each in volumes_read.items()} == {
        "t2_transverse": (19, 384, 384),
        "adc": (19, 128, 84),
        "high_b": (19, 128, 84),
    }
    assert np.allclose(volumes_read["adc"].affine, volumes_read["high_b"].affine, atol=1e-3)
    told = {each.series.first.SeriesDescription: each for each in choice.decisions}
    assert told["ep2d_diff_tra_DYNDIST"].detail.startswith("b 800: transverse")
    assert told["ep2d_diff_tra_DYNDISTCALC_BVAL"].code == "NOT_PREFERRED"
    calculated = role("high_b") | {"b_value": {"min": 900, "max": 1100, "calculated": True}}
    chosen = choose(study, {"inputs": {"image": calculated}}).require()["image"]
    assert (set(chosen.b_values), len(chosen.files)) == ({1000.0}, 19)


def test_the_mean_of_a_split_b_value_falls_with_b(testdata: Callable[[str], Path]) -> None:
    (diffusion,) = [each for each in scan(testdata("prostate_mr/ProstateX-0000")) if len(each.files) == 57]
    means = [float(Volume.of(part).array.mean()) for part in split(diffusion, role("high_b"))[0]]
    assert means == sorted(means, reverse=True)


def test_a_real_pet_plays_its_role(testdata: Callable[[str], Path]) -> None:
    choice = choose(scan(testdata("pet_ct/CCTH-A01_PET")), {"inputs": {"pet": own_grid(role("pet"))}})
    assert len(choice.require()["pet"].files) == 234


def test_a_pet_without_a_weight_is_refused_for_that_and_another_one_is_taken(tmp_path: Path) -> None:
    heavy, unknown = make_pet(Stack(number=2, slices=30)), make_pet(Stack(number=3, slices=40))
    for image in unknown:
        del image.PatientWeight
    add(tmp_path, Stack(number=1))
    write_slices(tmp_path / "2", heavy)
    write_slices(tmp_path / "3", unknown)
    rules = {"inputs": {"image": role("t2_transverse"), "pet": own_grid(role("pet"))}}
    choice = choose(scan(tmp_path), rules)
    assert choice.require()["pet"].first.SeriesNumber == 2
    assert reasons(choice) == {1: "USED", 2: "USED", 3: "NO_SUV"}
    alone = choose([each for each in scan(tmp_path) if each.first.SeriesNumber != 2], rules)
    assert (alone.code, alone.detail) == ("NO_SUV", "Patient's Weight is not given")


def with_pet(name: str) -> dict[str, Any]:
    """Rules for a T2 and an optional PET."""
    return {"inputs": {"image": role("t2_transverse"), "pet": own_grid(role(name)) | {"optional": True}}}


def test_an_optional_role_is_filled_where_it_can_be(tmp_path: Path) -> None:
    add(tmp_path, Stack(number=1))
    assert set(choose(scan(tmp_path), with_pet("pet")).require()) == {"image"}
    write_slices(tmp_path / "2", make_pet(Stack(number=2, slices=30)))
    assert set(choose(scan(tmp_path), with_pet("pet")).require()) == {"image", "pet"}


@pytest.mark.parametrize(
    ("change", "lost", "code"),
    [
        ({"PatientWeight": 0}, [], "NO_SUV"),
        ({"CorrectedImage": ["DECY"]}, [], "NOT_CORRECTED"),
        ({}, [4], "MISSING_SLICE"),
    ],
)
def test_what_was_meant_for_an_optional_role_keeps_its_code(
    change: dict[str, Any], lost: list[int], code: str, tmp_path: Path
) -> None:
    add(tmp_path, Stack(number=1))
    slices = [image for i, image in enumerate(make_pet(Stack(number=2, slices=32))) if i not in lost]
    for image in slices:
        for name, value in change.items():
            set_value(image, name, value)
    write_slices(tmp_path / "2", slices)
    choice = choose(scan(tmp_path), with_pet("pet"))
    assert set(choice.require()) == {"image"}
    assert [(each.code, each.role, each.meant_for) for each in choice.decisions] == [
        ("USED", "image", ""),
        (code, "", "pet"),
    ]


def test_a_neighbour_is_not_meant_for_an_optional_role_of_its_modality(tmp_path: Path) -> None:
    add(tmp_path, Stack(number=1))
    add(tmp_path, Stack(number=2), EchoTime=12)
    inputs = {"image": role("t2_transverse"), "high_b": own_grid(role("high_b")) | {"optional": True}}
    choice = choose(scan(tmp_path), {"inputs": inputs})
    assert (choice.code, {each.meant_for for each in choice.decisions}) == ("USED", {""})


@pytest.mark.parametrize("optional", ["image", "grid"])
def test_a_role_that_others_need_is_not_optional(optional: str) -> None:
    inputs: dict[str, Any] = {"image": {"modality": "MR"}, "grid": {"modality": "MR"}}
    inputs["pet"] = {"modality": "PT", "resample_to": "grid", "optional": True}
    assert checked_rules({"inputs": inputs})
    inputs[optional]["optional"] = True
    with pytest.raises(BundleError, match=f"bears no mask and no other role, got {optional}"):
        checked_rules({"inputs": inputs})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"resample_to": "t1"}, "must name another role"),
        ({"resample_to": "pet"}, "must name another role"),
        ({"resample_to": "other"}, "must name another role"),  # which has another's grid itself
        ({"resample_to": "film"}, "got the radiograph film"),
        ({"pixels": "adc"}, "modality of pet with pixels 'adc' must be MR, got PT"),
        ({"pixels": "suv"}, "must keep its schema"),
    ],
)
def test_rules_of_quantity_and_grid_are_checked(change: dict[str, str], told: str) -> None:
    other = {"modality": "PT", "resample_to": "image"}
    inputs = {"image": role("t2_transverse"), "other": other, "film": role("ap_pelvis"), "pet": role("pet") | change}
    with pytest.raises(BundleError, match=told):
        checked_rules({"inputs": inputs})


def test_real_films_of_children_need_the_site_twice(testdata: Callable[[str], Path]) -> None:
    films = survey(testdata("hip_xray/ddh_dicom")).studies().values()
    rules = {"inputs": {"image": role("ap_pelvis")}}
    site = {"age_years": {"min": 0, "unknown": "accept"}, "placeholder_spacing": "accept"}
    assert len(films) == 10
    for film in films:
        refused = choose(film, rules)
        assert refused.code == "AGE_OUT_OF_RANGE"
        assert "also PLACEHOLDER_SPACING" in refused.detail
        for rule, code in (("age_years", "PLACEHOLDER_SPACING"), ("placeholder_spacing", "AGE_OUT_OF_RANGE")):
            assert choose(film, rules, {"image": {rule: site[rule]}}).code == code
        accepted = choose(film, rules, {"image": site})
        assert accepted.decisions[0].detail.endswith("; by the site's rule")
        volume = Volume.of(accepted.require()["image"])
        assert np.array_equal(volume.array[0], dcmread(film[0].files[0]).pixel_array[..., 0])


def test_a_real_film_of_an_extremity_is_no_pelvis(testdata: Callable[[str], Path]) -> None:
    for film in scan(testdata("hip_xray/monochrome1_cr")):
        assert choose([film], {"inputs": {"image": role("ap_pelvis")}}).code == "WRONG_BODY_PART"
