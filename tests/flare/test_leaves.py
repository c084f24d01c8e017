"""What leaves a hospital, byte by byte: what the trainer hands to NVFlare, as it goes on the wire."""

import json
from pathlib import Path

import numpy as np
import pytest
from nvflare.app_common.decomposers import common_decomposers, numpy_decomposers
from nvflare.fuel.utils import fobs
from samples.ball_site import BUNDLE, write_ball_bundle, write_ball_site

from fedbundle.bundle.digest import recipe_digest
from fedbundle.errors import BundleError
from fedbundle.flare.local_weights import Kept
from fedbundle.flare.trainer import Trainer
from fedbundle.site.home import SiteHome

LOCAL = "model.0."


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SiteHome:
    """A hospital with four validation patients and a bundle whose network has batch norms."""
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    bundle = write_ball_bundle(tmp_path)
    config = bundle / "configs" / "train.json"
    train = json.loads(config.read_text())
    train["network_def"]["norm"] = "batch"
    config.write_text(json.dumps(train))
    made = write_ball_site(tmp_path, "a", bundle, seed=1)
    datalist = made.dataset_dir(BUNDLE) / "datalist.json"
    cases = json.loads(datalist.read_text())
    cases["validation"].pop()
    datalist.write_text(json.dumps(cases))
    return made


def trainer(home: SiteHome, job: str = "job-1", **settings: object) -> Trainer:
    digest = recipe_digest(home.bundle_dir(BUNDLE))
    return Trainer.of_site(home, BUNDLE, digest, job, local_epochs=1, device="cpu", seed=0, **settings)  # type: ignore[arg-type]


def wire(one: Trainer) -> bytes:
    """The bytes of an answer to one round."""
    common_decomposers.register()
    numpy_decomposers.register()
    return bytes(fobs.dumps(one.train(one.weights()).to_shareable()))


def test_only_declared_keys_and_none_of_the_rest(home: SiteHome) -> None:
    one = trainer(home, keep_local=[LOCAL])
    sent = wire(one)
    state = {name: value.numpy() for name, value in one.network.state_dict().items()}
    travel, stay = one.sharing.split(state)
    assert all(name.encode() in sent and value.tobytes() in sent for name, value in travel.items())
    assert {name.rpartition(".")[2] for name in stay} >= {"running_mean", "running_var", "num_batches_tracked"}
    assert any(name.startswith(LOCAL) for name in stay)
    for name, value in stay.items():
        assert name.encode() not in sent
        assert value.size < 2 or value.tobytes() not in sent
    for word in (b"running_", b"num_batches", b"exp_avg", b"optimizer", str(home.path).encode(), b".nii"):
        assert word not in sent
    cases = json.loads((home.dataset_dir(BUNDLE) / "datalist.json").read_text())
    assert not any(item["case"].encode() in sent for section in cases.values() for item in section)


def test_running_statistics_travel_only_where_declared(home: SiteHome) -> None:
    sent = wire(trainer(home, batch_statistics="shared"))
    assert b"running_mean" in sent
    assert b"num_batches" not in sent


def test_counts_below_the_smallest_cell_are_not_told(home: SiteHome) -> None:
    one = trainer(home)
    told = one.train(one.weights()).record()
    assert told["metrics"]["val_mean_dice"]["n"] == "<5"
    assert told["weight"] == 6.0  # declared: federated averaging needs it


def test_what_stays_lives_on_between_rounds_and_jobs(home: SiteHome) -> None:
    """Also when the trainer is killed between rounds."""
    one = trainer(home, keep_local=[LOCAL])
    shared = one.train(one.weights(), 0).params
    first = one.local.at(1, one.first_local)
    second = trainer(home, keep_local=[LOCAL])  # as after a kill
    shared = second.train(shared, 1).params
    assert not np.array_equal(first["model.0.conv.weight"], second.first_local["model.0.conv.weight"])
    second.evaluate(shared, "test", 1)  # round 0 was selected
    later = trainer(home, "job-2", keep_local=[LOCAL])
    begins = later.local.at(0, later.first_local)
    assert all(np.array_equal(begins[name], first[name]) for name in first)
    assert (home.local_dir(BUNDLE) / "job-1-phantom.pt").is_file()


def test_a_hospital_that_trained_in_no_selected_round_keeps_nothing(
    home: SiteHome, caplog: pytest.LogCaptureFixture
) -> None:
    one = trainer(home, keep_local=[LOCAL])
    shared = one.weights()
    one.train(shared, 1)  # it missed round 0, whose weights are selected
    one.evaluate(shared, "test", 1)
    assert not list(home.local_dir(BUNDLE).iterdir())
    assert "none are kept of this job" in caplog.text


def test_what_the_evaluator_sets_is_kept_with_the_weights_it_judged(
    home: SiteHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As limits on healthy scans are: they belong to the shared weights that were selected."""
    one = trainer(home, keep_local=[LOCAL])
    shared = one.train(one.weights(), 0).params
    limit = one.network.state_dict()["model.0.conv.bias"]

    def judged(split: str) -> dict[str, object]:
        limit.fill_(7.0)
        return {"split": split}

    monkeypatch.setattr(one, "_summaries", judged)
    one.evaluate(shared, "test", 1)
    kept = Kept.read(home.local_dir(BUNDLE) / "job-1-phantom.pt")
    assert (kept.weights["model.0.conv.bias"] == 7).all()
    assert "model.0.conv.bias" in kept.stays


def test_a_bundles_own_declaration_holds_whatever_the_job_says(home: SiteHome) -> None:
    root = home.bundle_dir(BUNDLE)
    config = root / "configs" / "train.json"
    train = json.loads(config.read_text())
    config.write_text(json.dumps(train | {"keep_local": [LOCAL]}))
    assert not any(name.startswith(LOCAL) for name in trainer(home).weights())


@pytest.mark.parametrize("key", ["keep_local", "+keep_local", "keep_local#0"])
def test_a_declaration_in_the_file_of_a_size_is_refused(key: str, home: SiteHome) -> None:
    """It would be read by MONAI and by nobody who decides what travels."""
    (home.bundle_dir(BUNDLE) / "configs" / "full.json").write_text(json.dumps({key: [LOCAL]}))
    with pytest.raises(BundleError, match=r"must stand in configs/train.json, .*, got one in configs/full.json"):
        trainer(home)
