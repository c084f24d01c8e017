"""Three hospitals train over mutual TLS; the ledger says who took part."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import torch
from samples.ball_site import BUNDLE

from fedbundle.bundle.declared import key_metric
from fedbundle.flare.first_weights import first_weights
from fedbundle.flare.local_weights import Kept, kept_name
from fedbundle.flare.persistor import BEST
from fedbundle.flare.quorum import weights_digest
from fedbundle.flare.rounds import Plan, federate
from fedbundle.flare.schema import schema
from fedbundle.flare.shared import Sharing
from fedbundle.flare.trainer import Trainer, site_dataset
from value.arms import AtHome

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def end(consortium, said):  # type: ignore[no-untyped-def]
    return consortium.run(consortium.job(rounds=3), said)


def test_every_round_names_every_site_with_all_figures(consortium, end) -> None:  # type: ignore[no-untyped-def]
    jsonschema.validate(end.ledger, schema())
    assert end.ledger["outcome"] == "COMPLETED"
    assert len(end.ledger["rounds"]) == 3
    for entry in end.ledger["rounds"]:
        assert set(entry["sites"]) == set(consortium.hospitals)
        for part in entry["sites"].values():
            assert part["cases"] == {"offered": 6, "used": 6, "dropped": {}}
            assert {"steps", "weight", "metrics", "recipe_digest", "update_norm", "seconds"} <= set(part)
            assert part["recipe_digest"] == end.ledger["declared"]["recipe_digest"]


def test_it_learns_and_every_site_is_tested(consortium, end) -> None:  # type: ignore[no-untyped-def]
    first, last = end.ledger["rounds"][0]["metric"], end.ledger["selected"]["metric"]
    assert last > first + 0.3
    tested = end.ledger["evaluations"]["test of the selected weights"]["sites"]
    assert {site: part["metrics"]["val_mean_dice"]["n"] for site, part in tested.items()} == dict.fromkeys(
        consortium.hospitals, 10
    )


@pytest.mark.usefixtures("end")
def test_progress_was_told_while_it_ran(said) -> None:  # type: ignore[no-untyped-def]
    assert any("round 2/3" in line and "val_mean_dice" in line for line in said), said


def test_the_selected_weights_are_a_state_dict(end) -> None:  # type: ignore[no-untyped-def]
    (weights,) = end.result.rglob(BEST)
    state = torch.load(weights, weights_only=True)
    assert all(torch.isfinite(value).all() for value in state.values())


def test_the_exported_job_is_configuration_only(consortium) -> None:  # type: ignore[no-untyped-def]
    job = consortium.job()
    files = sorted(str(file.relative_to(job)) for file in job.rglob("*") if file.is_file())
    assert files == ["app/config/config_fed_client.json", "app/config/config_fed_server.json", "meta.json"]
    assert not any(str(consortium.folder) in file.read_text() for file in job.rglob("*.json"))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_twice_and_without_processes(consortium, tmp_path) -> None:  # type: ignore[no-untyped-def]
    runs = [consortium.run(consortium.job(rounds=2, seed=seed)).ledger for seed in (7, 7, 8)]
    assert [run["outcome"] for run in runs] == ["COMPLETED"] * 3, [run["reason"] for run in runs]
    first, again, other = (run["selected"]["weights_digest"] for run in runs)
    assert first == again != other
    root, digest = consortium.bundle, runs[0]["declared"]["recipe_digest"]
    trainers = {}
    for name in consortium.hospitals:
        (tmp_path / name).mkdir()
        data = site_dataset(consortium.homes[name], BUNDLE)
        trainers[name] = Trainer(root, data, tmp_path / name, 1, "cpu", 7, digest, min_cell=5)
    plan = Plan(2, 2, key_metric(root))
    travel, _ = Sharing.of(root).split(first_weights(root, 7))
    selected = federate(AtHome(trainers, lambda _: None), plan, travel, sorted(trainers))
    assert weights_digest(selected.weights) == first


@pytest.mark.slow
def test_weights_that_stay_are_each_hospitals_own_and_begin_the_next_job(consortium) -> None:  # type: ignore[no-untyped-def]
    stays = "model.0."
    end = consortium.run(consortium.job(rounds=2, keep_local=[stays]))
    assert (end.ledger["outcome"], end.ledger["declared"]["keep_local"]) == ("COMPLETED", [stays])
    (at_server,) = end.result.rglob(BEST)
    first = first_weights(consortium.bundle, 0)
    file = kept_name(end.ledger["job"], "phantom")
    own = {name: Kept.read(consortium.homes[name].local_dir(BUNDLE) / file).local() for name in consortium.hospitals}
    for name, value in torch.load(at_server, weights_only=True).items():
        drawn = torch.as_tensor(first[name])
        found = [torch.as_tensor(state[name]) for state in own.values() if name in state]
        assert len(found) == (3 if name.startswith(stays) else 0)
        assert torch.equal(value, drawn) == name.startswith(stays)  # at the server as first drawn, or trained
        assert not any(torch.equal(one, drawn) for one in found)  # at each hospital trained
    assert len({state["model.0.conv.weight"].tobytes() for state in own.values()}) == 3
    again = consortium.run(consortium.job(rounds=1, keep_local=[stays])).ledger
    apart = consortium.run(consortium.job(rounds=1)).ledger
    assert again["rounds"][0]["metric"] != apart["rounds"][0]["metric"]  # judged before it trains


@pytest.mark.slow
def test_nvflare_job_submit_works_as_documented(consortium) -> None:  # type: ignore[no-untyped-def]
    kit = next(kit for name, kit in consortium.kits.items() if name.startswith("scientist"))
    nvflare = [str(Path(sys.executable).parent / "nvflare"), "job"]
    common = ["--startup-kit", str(kit), "--format", "json"]
    told = subprocess.run([*nvflare, "submit", "-j", str(consortium.job()), *common], capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr
    job_id = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", told.stdout)
    assert job_id, told.stdout
    end = consortium.watcher().follow(job_id.group())
    assert end.ledger["outcome"] == "COMPLETED", json.dumps(end.ledger)
