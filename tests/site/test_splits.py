"""Splits: exact shares, by patient, and nobody moves when patients are added."""

from collections import Counter

import pytest

from fedbundle.errors import BundleError
from fedbundle.site.splits import assign

SHARES = {"training": 0.5, "validation": 0.15, "test": 0.35}
PATIENTS = [f"{number * 7919 % 65536:04x}" for number in range(60)]


def test_28_patients_give_14_4_10() -> None:
    assert Counter(assign({}, PATIENTS[:28], SHARES).values()) == {"training": 14, "validation": 4, "test": 10}


def test_nobody_moves_when_patients_are_added() -> None:
    before = assign({}, PATIENTS[:28], SHARES)
    after = assign(before, PATIENTS, SHARES)
    assert {patient: after[patient] for patient in before} == before
    assert Counter(after.values()) == {"training": 30, "validation": 9, "test": 21}


def test_the_order_of_files_does_not_matter() -> None:
    assert assign({}, PATIENTS[:28], SHARES) == assign({}, PATIENTS[27::-1], SHARES)


def test_a_patient_who_is_absent_keeps_the_section_and_takes_no_place() -> None:
    known = {"gone": "test"}
    assigned = assign(known, PATIENTS[:28], SHARES)
    assert assigned.pop("gone") == "test"
    assert Counter(assigned.values()) == {"training": 14, "validation": 4, "test": 10}


def test_shares_that_are_not_whole_are_refused() -> None:
    with pytest.raises(BundleError, match="must add up to 1"):
        assign({}, PATIENTS, {"training": 0.5, "test": 0.4})


def test_a_share_of_nothing_gets_nobody() -> None:
    shares = {"training": 0.8, "validation": 0.2, "test": 0.0}
    assert Counter(assign({}, PATIENTS, shares).values()) == {"training": 48, "validation": 12}
    earlier = assign({}, PATIENTS[:9], {"training": 0.0, "validation": 0.0, "test": 1.0})
    assert set(earlier.values()) == {"test"}
    later = assign(earlier, PATIENTS[:12], shares)
    assert {later[patient] for patient in PATIENTS[9:12]} <= {"training", "validation"}


def test_barred_patients_go_elsewhere_and_the_others_keep_their_shares() -> None:
    ill = {patient: {"training", "validation"} for patient in PATIENTS[40:]}
    assigned = assign({}, PATIENTS, SHARES, ill)
    assert {assigned[patient] for patient in ill} == {"test"}
    assert Counter(assigned[patient] for patient in PATIENTS[:40]) == {"training": 20, "validation": 6, "test": 14}


def test_who_is_barred_later_leaves_the_section() -> None:
    before = assign({}, PATIENTS[:28], SHARES)
    moved = next(patient for patient, section in before.items() if section == "training")
    after = assign(before, PATIENTS[:28], SHARES, {moved: {"training", "validation"}})
    assert after == before | {moved: "test"}
