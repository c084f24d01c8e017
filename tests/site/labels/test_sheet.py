"""labels.csv is read strictly: a wrong value costs its study, a wrong sheet stops the run, nothing is guessed."""

from pathlib import Path
from typing import Any

import pytest

from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.errors import BundleError, InputError
from fedbundle.site.labels.sheet import read_sheet
from fedbundle.site.labels.study import Labels

IMAGE = {"image": {"modality": "DX"}}
MASKS: dict[str, Any] = {"inputs": IMAGE, "label": {"key": "label", "values": {"0": "background", "1": "zone"}}}
COLUMNS = {
    "fracture": {"type": "category", "values": {"0": "none", "1": "Neck", "2": "trochanter"}},
    "time": {"type": "time", "unit": "days", "max": 7300},
    "event": {"type": "event"},
    "age": {"type": "integer", "min": 18, "max": 110, "missing": True},
    "bmi": {"type": "number", "min": 10, "max": 80, "missing": True},
}
TABLE: dict[str, Any] = {"inputs": IMAGE, "table": {"columns": COLUMNS}}
SIDED: dict[str, Any] = {"inputs": IMAGE, "table": {"per": "side", "columns": {"fracture": COLUMNS["fracture"]}}}
HEADER = "study_instance_uid,fracture,time,event,age,bmi"


def sheet(tmp_path: Path, content: str, rules: dict[str, Any]) -> Labels:
    """What a CSV with this content says."""
    (tmp_path / "labels.csv").write_text(content)
    return read_sheet(tmp_path / "labels.csv", checked_rules(rules))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("study,mask\n1.2,a\n", "columns"),
        ("study_instance_uid,mask\n1.2,\n", "an empty cell in line 2"),
        ("study_instance_uid,mask\n1.2,a\n1.2,b\n", "stands there already in line 3"),
        ("study_instance_uid,mask\n1.2,a\n1.3,a\n", "the mask of another study in line 3"),
        ("study_instance_uid;mask\n1.2;a\n", "separated by commas"),
        ("study_instance_uid,mask,mask\n1.2,a,b\n", "each column once"),
        ("", "columns"),
        ("\x00\xff", "columns"),
    ],
)
def test_a_bad_sheet_is_refused(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        sheet(tmp_path, content, MASKS)


def test_what_comes_after_the_end_of_follow_up_costs_its_study(tmp_path: Path) -> None:
    columns = COLUMNS | {"time": COLUMNS["time"] | {"not_after": "end"}}
    columns["end"] = {"type": "number", "min": 0, "max": 7300, "missing": True}
    rules = {"inputs": IMAGE, "table": {"columns": columns}}
    content = f"{HEADER},end\n1.2,0,12,1,80,21,12\n1.3,0,12.1,1,80,21,12\n1.4,0,12.1,1,80,21,\n"
    found = sheet(tmp_path, content, rules).studies
    assert [study for study, labels in found.items() if labels.rows] == ["1.2", "1.4"]
    assert found["1.3"].fault == "line 3 of the labels: time must be a time up to end"
    columns["time"] = columns["time"] | {"not_after": "event"}
    with pytest.raises(BundleError, match="not_after of time must be a column of type number, got 'event'"):
        sheet(tmp_path, content, rules)


def test_a_sheet_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="readable CSV"):
        read_sheet(tmp_path / "labels.csv", MASKS)


def test_cells_become_numbers_and_empty_covariates_null(tmp_path: Path) -> None:
    content = f"{HEADER}\n1.2,neck,365.5,1,80,21.5\n1.3,0.0,12,2,,\n\n1.4, None ,1e3,0,71.0,0x1F\n"
    found = sheet(tmp_path, content, TABLE).studies
    assert found["1.2"].rows == ({"fracture": 1, "time": 365.5, "event": 1, "age": 80, "bmi": 21.5},)
    assert found["1.3"].rows == ({"fracture": 0, "time": 12.0, "event": 2, "age": None, "bmi": None},)
    assert found["1.4"].fault == "line 4 of the labels: bmi must be a number from 10 to 80 with a decimal point"


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("shaft,12,1,80,21", 'fracture must be 0 ("none"), 1 ("Neck") or 2 ("trochanter")'),
        ("1.5,12,1,80,21", 'fracture must be 0 ("none")'),
        (",12,1,80,21", "fracture must be not empty"),
        ("0,0,1,80,21", "time must be a time above 0 and up to 7300 days"),
        ("0,-3,1,80,21", "time must be a time above 0 and up to 7300 days"),
        ("0,nan,1,80,21", "time must be a time above 0 and up to 7300 days"),
        ("0,,1,80,21", "time must be not empty"),
        ("0,12,3,80,21", "event must be one of 0, 1, 2"),
        ("0,12,1.0,80,21", "event must be one of 0, 1, 2"),
        ("0,12,1,17,21", "age must be a number from 18 to 110"),
        ("0,12,1,80.5,21", "age must be a whole number from 18 to 110"),
        ("0,12,1,NA,21", "age must be a number from 18 to 110"),
        ("0,12,1,٨٠,21", "age must be a number from 18 to 110"),
        ("0,12,1,80,inf", "bmi must be a number from 10 to 80"),
        ('0,12,1,80,"21,5"', "bmi must be a number from 10 to 80 with a decimal point"),
        ("0,12,1,80,21,5", "it has 7 cells, the first line has 6"),
        ("0,12,1,80", "it has 5 cells, the first line has 6"),
    ],
)
def test_a_wrong_value_is_the_fault_of_its_study_alone(row: str, rule: str, tmp_path: Path) -> None:
    found = sheet(tmp_path, f"{HEADER}\n1.2,0,12,1,80,21\n1.3,{row}\n", TABLE).studies
    assert found["1.2"].fault == "" and len(found["1.2"].rows) == 1
    assert found["1.3"].fault.startswith(f"line 3 of the labels: {rule}") and found["1.3"].rows == ()


def test_columns_nobody_knows_or_gives_are_told_by_name(tmp_path: Path) -> None:
    found = sheet(tmp_path, "study_instance_uid,fracture,time,event,age,note\n1.2,0,12,1,80,a text\n", TABLE)
    assert found.warnings == (
        "column 'note' of the labels is not in the bundle's table and is left out",
        "column 'bmi' of the bundle's table is not in the labels; its value is missing everywhere",
    )
    assert found.studies["1.2"].rows[0]["bmi"] is None
    with pytest.raises(InputError, match="column event is missing; mend the first line"):
        sheet(tmp_path, "study_instance_uid,fracture,time,age\n1.2,0,12,80\n", TABLE)


def test_hips_have_one_row_per_side(tmp_path: Path) -> None:
    header = "study_instance_uid,laterality,fracture\n"
    found = sheet(tmp_path, f"{header}1.2,Left,0\n1.2,R,neck\n1.3,l,0\n1.4,both,0\n", SIDED).studies
    assert found["1.2"].rows == ({"laterality": "L", "fracture": 0}, {"laterality": "R", "fracture": 1})
    assert found["1.3"].rows == ({"laterality": "L", "fracture": 0},)
    assert found["1.4"].fault == "line 5 of the labels: laterality must be left or right"
    with pytest.raises(InputError, match="a study and side that stand there already in line 3"):
        sheet(tmp_path, f"{header}1.2,Left,0\n1.2,left,1\n", SIDED)


@pytest.mark.parametrize(
    "column",
    [
        {"type": "number", "min": 0},
        {"type": "time", "unit": "months", "max": 3},
        {"type": "time", "unit": "days", "max": 3, "missing": True},
        {"type": "event", "values": {"0": "none", "3": "?"}},
        {"type": "category", "values": {"a": "none", "b": "neck"}},
        {"type": "text"},
    ],
)
def test_a_bundle_declares_its_table_strictly(column: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match="schema"):
        checked_rules({"inputs": IMAGE, "table": {"columns": {"x": column}}})


@pytest.mark.parametrize("name", ["case", "sha256", "laterality", "Age"])
def test_a_column_cannot_take_the_name_of_something_else(name: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        checked_rules({"inputs": IMAGE, "table": {"columns": {name: {"type": "event"}}}})
    with pytest.raises(BundleError, match="got image"):
        sheet(tmp_path, "", {"inputs": IMAGE, "table": {"columns": {"image": {"type": "event"}}}})
