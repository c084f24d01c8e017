"""A release with one hospital's own weights: which run they are of, and that every result says whose they are."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from samples.ball_site import BUNDLE, write_ball_bundle, write_ball_site

from fedbundle.bundle.archive import unpack
from fedbundle.bundle.digest import recipe_digest
from fedbundle.bundle.layout import Bundle
from fedbundle.bundle.record import check_record
from fedbundle.clinic.training import owner
from fedbundle.errors import BundleError, ExportError, InputError
from fedbundle.files import write_json
from fedbundle.flare.first_weights import first_weights
from fedbundle.flare.ledger import COMPLETED, NAME
from fedbundle.flare.local_weights import Kept, LocalWeights
from fedbundle.flare.persistor import BEST
from fedbundle.flare.personal import personal_release
from fedbundle.flare.quorum import QuorumFedAvg
from fedbundle.flare.release import release
from fedbundle.site.home import SiteHome

LOCAL = "model.0."


@dataclass(frozen=True)
class Ended:
    """A run that has ended: its exported zip, and a hospital that kept weights of it."""

    zip: Path
    home: SiteHome


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    return end(tmp_path_factory.mktemp("ended"), [LOCAL])


def end(folder: Path, prefixes: list[str]) -> Ended:
    bundle = write_ball_bundle(folder)
    config = bundle / "configs" / "train.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"keep_local": prefixes}))
    run = QuorumFedAvg(BUNDLE, "0.1.0", recipe_digest(bundle), keep_local=prefixes)
    run.ledger.path = folder / "result" / NAME
    run.ledger.path.parent.mkdir()
    run.ledger.open("job-1", run._declared(), ["a"])
    run.ledger.close(COMPLETED)
    drawn = first_weights(bundle, 0)
    torch.save({name: torch.as_tensor(value) for name, value in drawn.items()}, folder / "result" / BEST)
    home = write_ball_site(folder, "a", bundle, seed=1)
    local = {name: value + 1 for name, value in drawn.items() if name.startswith(LOCAL)}
    kept = LocalWeights(home.local_dir(BUNDLE), "job-1", "phantom", recipe_digest(bundle))
    kept.put(1, local)
    kept.select(1, {name: value for name, value in drawn.items() if name not in local}, local)
    return Ended(release(folder / "result", folder / "released", bundle).path, home)


def weights(archive: Path, folder: Path) -> dict[str, torch.Tensor]:
    root = unpack(archive, folder)
    check_record(root)
    return dict(torch.load(root / "models" / "model.pt", weights_only=True))


def test_it_holds_the_shared_weights_and_the_hospitals_own(ended: Ended, tmp_path: Path) -> None:
    done = personal_release(ended.home, ended.zip, tmp_path)
    assert done.path.name == f"{BUNDLE}-0.1.0-personal.zip"
    shared, own = weights(ended.zip, tmp_path / "one"), weights(done.path, tmp_path / "two")
    assert shared.keys() == own.keys()
    for name, value in own.items():
        assert torch.equal(value, shared[name] + (1 if name.startswith(LOCAL) else 0))


def test_it_tells_whose_it_is_and_of_which_release(ended: Ended, tmp_path: Path) -> None:
    root = unpack(personal_release(ended.home, ended.zip, tmp_path).path, tmp_path / "two")
    told = json.loads((root / "provenance" / "personal.json").read_text())
    assert told["site"] == owner(Bundle.open(root)) == "a"
    assert told["release_digest"] == check_record(unpack(ended.zip, tmp_path / "one"))["release_digest"]
    assert told["kept"] and all(name.startswith(LOCAL) for name in told["kept"])
    assert (root / "provenance" / "ledger.json").is_file()
    assert "must not be passed on" in (root / "docs" / "results.md").read_text()


def test_weights_of_another_run_are_refused(ended: Ended, tmp_path: Path) -> None:
    kept = ended.home.local_dir(BUNDLE) / "job-1-phantom.pt"
    before = kept.read_bytes()
    other = torch.load(kept, weights_only=True)
    for name, value in other["weights"].items():
        value += not name.startswith(LOCAL)
    torch.save(other, kept)
    with pytest.raises(ExportError, match="must belong to the run that was exported"):
        personal_release(ended.home, ended.zip, tmp_path / "out")
    kept.write_bytes(before)
    stranger = SiteHome.create(tmp_path / "b", "b")
    with pytest.raises(InputError, match=r"b must have kept weights of .*, got no job-1-phantom\.pt"):
        personal_release(stranger, ended.zip, tmp_path / "out")
    with pytest.raises(InputError, match="must be the zip of fedbundle export"):
        personal_release(ended.home, tmp_path / "no.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_later_job_leaves_what_a_release_needs(ended: Ended, tmp_path: Path) -> None:
    kept = Kept.read(ended.home.local_dir(BUNDLE) / "job-1-phantom.pt")
    later = LocalWeights(ended.home.local_dir(BUNDLE), "job-2", "phantom", kept.recipe_digest)
    more = {name: value.numpy() + 1 for name, value in kept.weights.items()}
    later.put(1, more)
    later.select(1, more, {name: more[name] for name in kept.stays})
    personal_release(ended.home, ended.zip, tmp_path)
    later.selected.unlink()


def test_a_bundle_that_shares_all_its_weights_is_refused(tmp_path: Path) -> None:
    ended = end(tmp_path, [])
    with pytest.raises(ExportError, match="got none that stay; use it as it is"):
        personal_release(ended.home, ended.zip, tmp_path / "out")


def test_a_release_that_does_not_say_whose_it_is_is_refused(ended: Ended, tmp_path: Path) -> None:
    root = unpack(ended.zip, tmp_path / "one")
    write_json(root / "provenance" / "personal.json", [])
    with pytest.raises(BundleError, match="must name its hospital"):
        owner(Bundle.open(root))
