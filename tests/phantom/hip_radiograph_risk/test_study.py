"""Films at baseline and what follows: the hazard is the known one, files are sound, the gate takes them."""

import csv
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from samples.judges import dciodvfy

from fedblocks.metrics.concordance import HarrellC
from fedblocks.metrics.risk_calibration import CalibrationInTheLarge, CalibrationSlope
from fedbundle.dicom.gate.roles import choose
from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.dicom.pixels.displayed import displayed
from fedbundle.dicom.series import scan
from fedbundle.phantom.hip_radiograph_fracture.patient import NONE
from fedbundle.phantom.hip_radiograph_risk import COLUMNS, PROFILES, label_rows, study_uid, truth_rows, write_patient
from fedbundle.phantom.hip_radiograph_risk.hazard import LOG_HAZARD, TEN_YEARS, Person, log_hazard, risk
from fedbundle.phantom.hip_radiograph_risk.hips import Build
from fedbundle.phantom.hip_radiograph_risk.study import follow
from fedbundle.phantom.write import write_phantoms

SEED, MANY = 3, 400


@pytest.fixture(scope="module")
def rules(repository: Path) -> dict[str, Any]:
    """Of the bundle that reads radiographs of the hip."""
    config = repository / "bundles" / "hip_radiograph_fracture" / "configs" / "ingest.json"
    return checked_rules(json.loads(config.read_text()))


@pytest.fixture(scope="module")
def rows() -> dict[str, list[dict[str, str]]]:
    """Labels and truth of many hips of each site."""
    found: dict[str, list[dict[str, str]]] = {}
    for profile in PROFILES:
        pairs = [
            zip(label_rows(profile, SEED, n), truth_rows(profile, SEED, n), strict=True) for n in range(1, MANY + 1)
        ]
        found[profile] = [label | truth for pair in pairs for label, truth in pair]
    return found


def test_the_log_hazard_is_the_declared_sum() -> None:
    reference = log_hazard(Person(75, False, False, 26), Build(0, 0, 0, 0))
    assert reference == 0
    assert log_hazard(Person(85, True, True, 22), Build(-1, 2, 0, 1)) == pytest.approx(
        LOG_HAZARD["age"]
        + LOG_HAZARD["female"]
        + LOG_HAZARD["prior_fracture"]
        - LOG_HAZARD["bmi"]
        - LOG_HAZARD["density"]
        + 2 * LOG_HAZARD["length"]
        + LOG_HAZARD["cortex"]
    )
    assert risk(0, 10) == pytest.approx(TEN_YEARS)
    assert risk(np.log(2), 10) == pytest.approx(1 - (1 - TEN_YEARS) ** 2)


def test_an_oracle_is_calibrated_and_ranks_as_its_hazard_lets(rows: dict[str, list[dict[str, str]]]) -> None:
    every = [row for found in rows.values() for row in found]
    table = np.array(
        [[float(row[k]) for k in ("time_years", "event", "log_hazard", "risk_5_years", "density")] for row in every]
    )
    concordance = HarrellC([0, 10])
    assert (table[:, 1] == 1).sum() > 600
    assert 0.74 < concordance.statistic(table[:, :3]) < 0.82
    image_alone = concordance.statistic(np.column_stack([table[:, :2], -table[:, 4]]))
    assert 0.64 < image_alone < concordance.statistic(table[:, :3]) - 0.02
    of_five_years = np.column_stack([table[:, :2], table[:, 3]])
    assert CalibrationSlope([0, 10], 5).statistic(of_five_years) == pytest.approx(1, abs=0.1)
    assert CalibrationInTheLarge([0, 10], 5).statistic(of_five_years) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("profile", PROFILES)
def test_follow_up_ends_where_it_must_and_gaps_are_those_of_the_site(
    profile: str, rows: dict[str, list[dict[str, str]]]
) -> None:
    site = PROFILES[profile]
    assert set(rows[profile][0]) >= set(COLUMNS)
    for row in rows[profile]:
        assert 0 < float(row["time_years"]) <= float(row["follow_up_years"]) <= site.follow_up_years[1] + 0.01
    events = Counter(row["event"] for row in rows[profile])
    assert all(events[event] > 0.1 * len(rows[profile]) for event in "012")
    for name in ("age_years", "female", "bmi", "prior_fracture", "bmd_t_score"):
        share = np.mean([row[name] == "" for row in rows[profile]])
        assert share == pytest.approx(site.missing.get(name, 0), abs=0.08)


def test_both_hips_of_one_who_died_or_was_lost_end_together(rows: dict[str, list[dict[str, str]]]) -> None:
    for found in rows.values():
        for one, other in pairwise(found):
            if one["follow_up_years"] == other["follow_up_years"]:  # of one patient
                ends = {row["time_years"] for row in (one, other) if row["event"] != "1"}
                assert len(ends) <= 1
                assert all(float(row["time_years"]) <= float(end) for row in (one, other) for end in ends)


def test_baseline_films_hold_sound_hips_of_the_bones_that_drive_the_hazard() -> None:
    for index in range(1, 60):
        made = follow(PROFILES["site-c"], f"body {index}")
        for hip, build in zip(made.plan.patient.hips, made.builds, strict=True):
            assert hip.fracture == NONE
            assert hip.density == pytest.approx(0.8 * np.exp(0.25 * build.density))
            assert hip.neck_length_mm == pytest.approx(53 * made.plan.patient.size + 4.5 * build.length)


@pytest.mark.parametrize("profile", PROFILES)
def test_films_are_sound_dicom_that_the_gate_takes(tmp_path: Path, profile: str, rules: dict[str, Any]) -> None:
    index = next(n for n in range(1, 200) if follow(PROFILES[profile], _name(profile, n)).plan.decoy == "")
    assert write_patient(tmp_path, tmp_path / "none", profile, SEED, index) == 1
    (path,) = tmp_path.rglob("*.dcm")
    assert [line for line in dciodvfy(path) if line.startswith("Error")] == []
    film = choose(list(scan(tmp_path)), rules).require()["image"]
    assert film.study_uid == study_uid(profile, SEED, index) == dcmread(path).StudyInstanceUID
    assert displayed(film, tmp_path).volume.array.std() > 0.05


def test_more_bone_shows_in_the_film(tmp_path: Path, rules: dict[str, Any]) -> None:
    """Of ten patients of one site: the brighter the bone against its surroundings, the denser it was drawn."""
    told, seen = [], []
    chosen = [n for n in range(1, 200) if len(follow(PROFILES["site-a"], _name("site-a", n)).plan.sides) == 2][:10]
    for index in chosen:
        folder = tmp_path / str(index)
        write_patient(folder, tmp_path / "none", "site-a", SEED, index)
        picture = displayed(choose(list(scan(folder)), rules).require()["image"], tmp_path).volume.array[0]
        rows, columns = picture.shape
        hips = picture[int(rows * 0.5) : int(rows * 0.95)]
        seen.append(np.percentile(hips, 97) - np.median(hips))
        told.append(follow(PROFILES["site-a"], _name("site-a", index)).plan.patient.mineral)
        assert columns > rows
    assert np.corrcoef(told, seen)[0, 1] > 0.4


def test_truth_stands_beside_the_labels_and_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        told = write_phantoms("hip_radiograph_risk", tmp_path / name, 2, "site-b", SEED)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        assert told["files"] == len(files) - 1  # but phantom.json
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*") if path.is_file()}
        for name in ("one", "two")
    )
    assert one == two
    with (tmp_path / "one" / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = list(csv.DictReader(file))
    with (tmp_path / "one" / "labels.csv").open(encoding="utf-8", newline="") as file:
        labels = list(csv.DictReader(file))
    assert tuple(labels[0])[1:] == COLUMNS
    keys = ("study_instance_uid", "laterality")
    assert [[row[key] for key in keys] for row in truth] == [[row[key] for key in keys] for row in labels]
    assert all(0 < float(row["risk_1_years"]) < float(row["risk_10_years"]) < 1 for row in truth)


def _name(profile: str, index: int) -> str:
    return f"fedbundle phantom hip_radiograph_risk {profile} {SEED} {index}"
