"""A dataset that was edited or made with another tool: each breach of the data contract is found before training."""

import json
import logging
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from samples.contract_dataset import AFFINE, RULES, edit_file, edit_item, write_contract_dataset, write_image
from samples.tiny_bundle import write_tiny_bundle

from fedbundle.errors import BundleError, DatasetError
from fedbundle.files import read_json, write_json
from fedbundle.site.dataset import CheckedDataset, check_dataset, needed_keys
from fedbundle.site.doctor import examine_site
from fedbundle.site.folder import JOURNAL, JUDGED
from fedbundle.site.home import SiteHome
from fedbundle.site.journal import encoded
from fedbundle.site.store import install

CASE = "0000000000000003"  # in training
Edit = Callable[[Path], None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "dataset"
    write_contract_dataset(folder)
    return folder


@pytest.fixture
def dataset(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "dataset"))


def checked(dataset: Path, rules: dict[str, Any] = RULES, max_dropped: float = 0.1) -> CheckedDataset:
    """As a run meets it, at a site that hides counts below 5."""
    return check_dataset(dataset, max_dropped, needed_keys(rules), 5, rules)


def voxels(change: Callable[[Any], Any], affine: Any = AFFINE) -> Edit:
    """Write other voxels."""
    return lambda path: write_image(path, change(np.asanyarray(nibabel.load(path).dataobj)), affine)


def with_value(value: float) -> Edit:
    """One voxel has another value."""

    def change(array: Any) -> Any:
        array = array.astype(np.float32)
        array[1, 2, 3] = value
        return array

    return voxels(change)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


FILES: list[tuple[str, Edit, str]] = [
    ("t2", cut, "UNREADABLE_FILE"),
    ("t2", voxels(lambda array: np.stack([array, array], -1)), "WRONG_CHANNELS"),
    ("t2", voxels(lambda array: array[:, :, 0]), "WRONG_CHANNELS"),
    ("label", voxels(lambda array: array.astype([("R", "u1"), ("G", "u1"), ("B", "u1")])), "WRONG_CHANNELS"),
    ("t2", voxels(lambda array: array, np.diag([0.5, 0.5, 9, 1])), "WRONG_SPACING"),
    ("t2", voxels(lambda array: array, np.diag([0.01, 0.5, 3, 1])), "WRONG_SPACING"),
    ("t2", with_value(np.nan), "NOT_FINITE"),
    ("adc", with_value(-1), "VALUE_RANGE"),
    ("adc", with_value(4001), "VALUE_RANGE"),
    ("adc", voxels(lambda array: array * 1e-6), ""),  # in mm2/s: within the range, which cannot tell it
    ("adc", voxels(lambda array: array, np.diag([0.5, 0.5, 3.5, 1])), "OTHER_GRID"),
    ("adc", voxels(lambda array: array[:-1]), "OTHER_GRID"),
    ("label", voxels(lambda array: array, AFFINE @ np.diag([-1, 1, 1, 1])), "OTHER_GRID"),
    ("label", with_value(2), "LABEL_VALUES"),
    ("label", with_value(0.5), "LABEL_VALUES"),
]
ROWS: list[tuple[dict[str, Any], str]] = [
    ({"grade": 2}, "TABLE_VALUES"),
    ({"grade": "1"}, "TABLE_VALUES"),
    ({"grade": 1.0}, "TABLE_VALUES"),
    ({"grade": True}, "TABLE_VALUES"),
    ({"grade": None}, "TABLE_VALUES"),
    ({"psa": 101.0}, "TABLE_VALUES"),
    ({"psa": float("1e300")}, "TABLE_VALUES"),
    ({"psa": None}, ""),
    ({"psa": 1e-7}, ""),
    ({"laterality": "left"}, "TABLE_VALUES"),
]


def lost_alone(dataset: Path, code: str, caplog: pytest.LogCaptureFixture) -> None:
    """The case is dropped for this reason, counted, and named in the log and nowhere else."""
    with caplog.at_level(logging.WARNING):
        found = checked(dataset)
    assert found.dropped == ({code: [CASE]} if code else {})
    assert found.cases(5)["dropped"] == ({code: "<5"} if code else {})
    assert CASE not in json.dumps(found.cases(5))
    named = [record for record in caplog.records if CASE in record.getMessage()]
    assert [record.levelno for record in named] == [logging.WARNING] * bool(code)  # ERROR would go to the server
    assert all(f"training case dropped, {code}: " in record.getMessage() for record in named)
    assert (CASE in [item["case"] for item in found.datalist["training"]]) == (not code)


@pytest.mark.parametrize(("key", "edit", "code"), FILES)
def test_a_file_that_breaks_the_contract_costs_its_case(
    key: str, edit: Edit, code: str, dataset: Path, caplog: pytest.LogCaptureFixture
) -> None:
    edit_file(dataset, CASE, key, edit)
    lost_alone(dataset, code, caplog)


@pytest.mark.parametrize(("columns", "code"), ROWS)
def test_a_column_that_breaks_the_contract_costs_its_case(
    columns: dict[str, Any], code: str, dataset: Path, caplog: pytest.LogCaptureFixture
) -> None:
    edit_item(dataset, CASE, lambda item: item.update(columns))
    lost_alone(dataset, code, caplog)


def test_a_side_must_be_named_where_the_table_has_one_row_per_side(dataset: Path) -> None:
    edit_item(dataset, CASE, lambda item: item.pop("laterality"))
    assert checked(dataset).dropped == {"TABLE_VALUES": [CASE]}


def test_what_a_case_lacks_is_named(dataset: Path, caplog: pytest.LogCaptureFixture) -> None:
    edit_item(dataset, CASE, lambda item: item["sha256"].pop("adc"))
    assert checked(dataset).dropped == {"KEY_MISSING": [CASE]}
    assert caplog.messages[-1].endswith(f'KEY_MISSING: {CASE}: lacks the digest of "adc"')
    edit_item(dataset, CASE, lambda item: item.pop("grade"))
    assert checked(dataset).dropped == {"KEY_MISSING": [CASE]}
    assert caplog.messages[-1].endswith(f'KEY_MISSING: {CASE}: lacks "grade"')


def test_an_optional_image_may_be_absent_and_is_judged_where_it_is_there(dataset: Path) -> None:
    rules = deepcopy(RULES)
    rules["inputs"]["adc"]["optional"] = True
    edit_item(dataset, CASE, lambda item: [item.pop("adc"), item["sha256"].pop("adc")])
    edit_file(dataset, "0000000000000004", "adc", with_value(-1))
    assert checked(dataset, rules).dropped == {"VALUE_RANGE": ["0000000000000004"]}


def test_all_that_a_case_breaks_is_told_at_the_site_and_counted_once(
    dataset: Path, caplog: pytest.LogCaptureFixture
) -> None:
    edit_file(dataset, CASE, "adc", with_value(-1))
    edit_file(dataset, CASE, "label", with_value(7))
    edit_item(dataset, CASE, lambda item: item.update(grade=9))
    assert checked(dataset).cases(1) == {"offered": 10, "used": 9, "dropped": {"VALUE_RANGE": 1}}
    assert caplog.messages == [
        f"training case dropped, VALUE_RANGE: {CASE}: adc: values -1 to 1998.65, wanted 0 to 4000; also LABEL_VALUES, "
        "label: 1 values outside the label set, the first is 7; also TABLE_VALUES, "
        'grade must be 0 ("low") or 1 ("high")'
    ]


def test_too_many_cases_outside_the_contract_are_refused_in_counts(dataset: Path) -> None:
    for number in range(3):
        edit_file(dataset, f"{number:016x}", "label", with_value(3))
    with pytest.raises(DatasetError, match=r"got more \(<5 LABEL_VALUES\); .* take out with --exclude") as raised:
        checked(dataset)
    assert "000000" not in str(raised.value)


@pytest.mark.parametrize("section", ["training", "validation", "test"])
def test_a_section_that_the_contract_empties_is_refused(section: str, dataset: Path) -> None:
    for item in read_json(dataset / "datalist.json")[section]:
        edit_file(dataset, item["case"], "t2", with_value(np.inf))
    with pytest.raises(DatasetError, match=f"section {section} must hold at least one usable case, got .* NOT_FINITE"):
        checked(dataset, max_dropped=1.0)


@pytest.mark.parametrize("content", ["[]", '{"training": [', '{"training": [3]}', '{"training": [{"sha256": {}}]}'])
def test_what_is_no_datalist_is_refused(content: str, dataset: Path) -> None:
    (dataset / "datalist.json").write_text(content)
    with pytest.raises(DatasetError, match=r"one that ingest wrote, got .*; remove this file alone and ingest again"):
        checked(dataset, max_dropped=1.0)


def test_a_contract_that_breaks_its_schema_is_refused(dataset: Path) -> None:
    rules = deepcopy(RULES)
    rules["inputs"]["t2"]["contract"] = {"spacing_mm": {"min": 4, "max": 1}}
    with pytest.raises(BundleError, match="min up to its max"):
        checked(dataset, rules)


def test_doctor_names_each_case_with_its_reason_and_changes_nothing(made: Path, tmp_path: Path) -> None:
    home = SiteHome.create(tmp_path / "home", "hospital-a")
    source = write_tiny_bundle(tmp_path)
    write_json(source / "configs" / "ingest.json", RULES)
    install(home, source)
    dataset = Path(shutil.copytree(made, home.dataset_dir("tiny_bundle")))
    assert told_by_doctor(home).endswith("3 test; every file as it was ingested, within the data contract")
    for number in range(7):
        edit_file(dataset, f"{number:016x}", "adc", with_value(-1))
    edit_item(dataset, "000000000000000f", lambda item: item.update(grade=3))
    told = told_by_doctor(home)
    assert all(f"{number:016x}: adc: values -1 to " in told for number in range(7))
    assert 'TABLE_VALUES: 000000000000000f: grade must be 0 ("low") or 1 ("high")' in told
    assert "8 cases that have not, of 10 training" in told
    assert not (dataset / JUDGED).exists()


def told_by_doctor(home: SiteHome) -> str:
    """What doctor says of the dataset."""
    return next(finding.message for finding in examine_site(home) if finding.subject == "dataset tiny_bundle")


def test_a_patient_in_two_sections_is_refused_in_counts_and_named_by_doctor(made: Path, tmp_path: Path) -> None:
    home = SiteHome.create(tmp_path / "home", "hospital-a")
    source = write_tiny_bundle(tmp_path)
    write_json(source / "configs" / "ingest.json", RULES)
    install(home, source)
    dataset = Path(shutil.copytree(made, home.dataset_dir("tiny_bundle")))
    edit_item(dataset, "000000000000000f", lambda item: item.update(patient=CASE))  # of the test section
    with pytest.raises(DatasetError, match=r"each patient must stand in one section .* got <5 in two") as raised:
        checked(dataset)
    assert CASE not in str(raised.value)
    assert f"got 1 in two or more; ingest again, which gives each the section it had ({CASE})" in told_by_doctor(home)


@pytest.mark.parametrize(
    ("change", "told"), [({"grade": 0}, "grade"), ({"psa": None}, "psa"), ({"laterality": "R"}, "laterality"), ({}, "")]
)
def test_a_table_that_is_not_the_one_of_ingest_costs_its_case(
    change: dict[str, Any], told: str, dataset: Path, caplog: pytest.LogCaptureFixture
) -> None:
    row = {"laterality": "L", "grade": 1, "psa": 4.5}
    line = {"case": CASE, "patient": CASE, "series_in_study": 1, "decision": "used", "table": [row]}
    (dataset / JOURNAL).write_bytes(encoded([line]))
    edit_item(dataset, CASE, lambda item: item.update(change))  # all of it is within the contract
    lost_alone(dataset, "TABLE_CHANGED" if told else "", caplog)
    assert caplog.messages == [f"training case dropped, TABLE_CHANGED: {CASE}: {told}"] * bool(told)
