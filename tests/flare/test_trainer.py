"""One hospital's share of a round, on a real MONAI workflow."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.ball_site import BUNDLE, write_ball_bundle, write_ball_site

from fedbundle.bundle.digest import recipe_digest
from fedbundle.errors import BundleError, DatasetError, JobRefusedError
from fedbundle.flare.fedavg import average, distance
from fedbundle.flare.trainer import Trainer
from fedbundle.flare.workflow import part_of
from fedbundle.site.home import SiteHome

KEY = "val_mean_dice"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SiteHome:
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    return write_ball_site(tmp_path, "a", write_ball_bundle(tmp_path), seed=1)


def trainer(home: SiteHome) -> Trainer:
    digest = recipe_digest(home.bundle_dir(BUNDLE))
    return Trainer.of_site(home, BUNDLE, digest, "job-1", local_epochs=2, device="cpu", seed=0)


def test_a_round_trains_and_reports(home: SiteHome) -> None:
    one = trainer(home)
    start = one.weights()
    answer = one.train(start)
    assert (answer.status, answer.steps, answer.weight) == ("used", 12, 6.0)
    assert answer.cases == {"offered": 6, "used": 6, "dropped": {}}
    assert answer.metrics[KEY]["n"] == 5
    assert answer.update_norm == pytest.approx(distance(answer.params, start))
    assert answer.update_norm > 0


def test_weights_sent_do_not_change_with_the_network(home: SiteHome) -> None:
    one = trainer(home)
    sent = one.train(one.weights()).params
    kept = {name: value.copy() for name, value in sent.items()}
    one.train(sent)
    assert all(np.array_equal(sent[name], kept[name]) for name in kept)


def test_the_same_seed_and_round_give_the_same_weights(home: SiteHome) -> None:
    one, other = trainer(home), trainer(home)
    start = one.weights()
    one.train(start, 0)
    first, again, next_round = one.train(start, 3).params, other.train(start, 3).params, other.train(start, 4).params
    assert all(np.array_equal(first[name], again[name]) for name in start)
    assert not all(np.array_equal(first[name], next_round[name]) for name in start)


def test_rounds_learn(home: SiteHome) -> None:
    one = trainer(home)
    weights = one.weights()
    before = one.evaluate(weights, "test").metrics[KEY]["value"]
    for _ in range(4):
        weights = average({"a": (one.train(weights).params, 6.0)})
    told = one.evaluate(weights, "test").metrics[KEY]
    assert told["value"] > before + 0.2
    assert told["n"] == 10


def test_a_curve_of_few_patients_is_told_where_weights_are_selected_by_it(home: SiteHome) -> None:
    """Whether the middle voxel lies in the ball; it does in few or in all but few of the cases."""
    config = home.bundle_dir(BUNDLE) / "configs" / "train.json"
    train = json.loads(config.read_text())
    evaluator, middle = train["validate"]["evaluator"], "[:, 8, 8, 8]"
    curve = {
        "_target_": "IgniteMetricHandler",
        "metric_fn": {"_target_": "fedblocks.metrics.auroc.GroupAUROC", "positive": [1]},
        "output_transform": f"$lambda out: ([c['pred']{middle} for c in out], [c['label']{middle} for c in out])",
    }
    evaluator |= {"key_val_metric": {"val_auc": curve}, "additional_metrics": evaluator["key_val_metric"]}
    train["calibration"] = {"weight": "w", "metrics": {KEY: 1.0}}
    config.write_text(json.dumps(train))
    home.settings["limits"]["min_cell"] = 6
    one = trainer(home)
    weights = one.weights()
    told = one.train(weights).metrics
    assert told == one.evaluate(weights, "validation").metrics
    assert told == {
        "val_auc": {"value": round(told["val_auc"]["value"], 2), "n": "<6"},
        KEY: {"value": None, "n": "<6"},
    }
    assert one.evaluate(weights, "test").metrics["val_auc"] == {"value": None, "n": 10}


def edit(home: SiteHome, change: Callable[[dict[str, Any]], object]) -> None:
    """Change train.json of the installed bundle."""
    config = home.bundle_dir(BUNDLE) / "configs" / "train.json"
    train = json.loads(config.read_text())
    change(train)
    config.write_text(json.dumps(train))


def test_an_evaluator_with_a_network_of_its_own_is_refused(home: SiteHome) -> None:
    edit(home, lambda train: train["imports"].append("$import copy"))
    edit(home, lambda train: train["validate"]["evaluator"].update(network="$copy.deepcopy(@network)"))
    with pytest.raises(BundleError, match=r"validate#evaluator#network .* must be the network of train#trainer"):
        trainer(home)


@pytest.mark.parametrize("listed", [["@loader", "@stats"], "$[@loader, @stats]", "@handlers", "$[@stats, @more]"])
@pytest.mark.parametrize(("part", "key"), [("train", "train_handlers"), ("validate", "val_handlers")])
def test_handlers_that_must_not_act_are_found_behind_references(
    listed: object, part: str, key: str, home: SiteHome
) -> None:
    engine = {"train": "trainer", "validate": "evaluator"}[part]
    loader = {"_target_": "CheckpointLoader", "load_path": "nowhere.pt", "load_dict": {"model": "@network"}}

    def change(train: dict[str, Any]) -> None:
        train |= {"loader": loader, "stats": {"_target_": "GarbageCollector"}, "handlers": ["@stats", "@loader"]}
        train["more"] = "$monai.handlers.EarlyStopHandler(1, lambda _: 0.0)"
        train[part][engine][key] = listed

    edit(home, change)
    one = trainer(home)
    built = part_of(one.workflow, f"{part}#{engine}#{key}")
    assert [type(each).__name__ for each in built] == ["GarbageCollector"]
    assert one.train(one.weights()).status == "used"


def test_a_section_without_a_share_is_refused_where_it_is_asked_for(home: SiteHome) -> None:
    path = home.dataset_dir(BUNDLE) / "datalist.json"
    listed = json.loads(path.read_text()) | {"test": [], "shares": {"training": 0.6, "validation": 0.4, "test": 0}}
    path.write_text(json.dumps(listed))
    one = trainer(home)
    with pytest.raises(DatasetError, match="splits gives it no share"):
        one.evaluate(one.weights(), "test")


def test_a_changed_file_is_dropped_and_counted(home: SiteHome) -> None:
    damage(home, 1)
    home.settings["limits"]["max_dropped"] = 0.1
    answer = trainer(home).train(trainer(home).weights())
    assert answer.cases == {"offered": "<10", "used": 5, "dropped": {"FILE_CHANGED": "<5"}}
    assert answer.weight == 5.0


def test_too_much_damage_is_refused(home: SiteHome) -> None:
    damage(home, 3)
    with pytest.raises(DatasetError, match=r"at most 5% of the cases .* got more \(<5 FILE_CHANGED\)"):
        trainer(home)


def test_an_empty_section_is_refused(home: SiteHome) -> None:
    datalist = home.dataset_dir(BUNDLE) / "datalist.json"
    datalist.write_text(json.dumps(json.loads(datalist.read_text()) | {"validation": []}))
    with pytest.raises(DatasetError, match="section validation must hold at least one"):
        trainer(home)


@pytest.mark.parametrize("section", ["$__import__('pathlib').Path('run_by_the_server').touch()", "@network", "all", 3])
def test_a_server_asks_for_sections_and_not_for_expressions(section: str, home: SiteHome) -> None:
    one = trainer(home)
    with pytest.raises(JobRefusedError, match="section must be one of training, validation, test"):
        one.evaluate(one.weights(), section)
    assert not (Path.cwd() / "run_by_the_server").exists()


def test_the_site_notes_which_run_used_which_data(home: SiteHome) -> None:
    trainer(home)
    line = json.loads((home.path / "runs.jsonl").read_text())
    assert (line["job"], line["bundle"]) == ("job-1", BUNDLE)


def damage(home: SiteHome, count: int) -> None:
    for number in range(count):
        file = home.dataset_dir(BUNDLE) / "images" / f"training{number}_image.nii"
        file.write_bytes(file.read_bytes()[:-1] + b"\0")
