"""One full-batch step of the hazard model: three hospitals and their average are one pooled step."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedbundle.dicom.pixels.volume import Volume
from fedbundle.flare.fedavg import average
from fedbundle.flare.trainer import Trainer
from fedbundle.site.dataset import CheckedDataset

SITES = {"north": 2, "south": 3, "west": 6}  # hips
PLAIN = ({"_target_": "EnsureTyped", "keys": "image", "track_meta": False},)
STEP = 0.1
pytestmark = pytest.mark.usefixtures("import_path")


@pytest.fixture(scope="module")
def plain(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle with all cases in one batch, plain gradient descent, and nothing drawn at random."""
    root = tmp_path_factory.mktemp("plain") / "hip_radiograph_risk"
    shutil.copytree(repository / "bundles" / "hip_radiograph_risk", root)
    path = root / "configs" / "train.json"
    config: dict[str, Any] = json.loads(path.read_text())
    config["batch_size"] = sum(SITES.values())
    config["optimizer"] = {"_target_": "torch.optim.SGD", "params": "$@network.parameters()", "lr": STEP}
    config["train"]["random"] = [*PLAIN, config["train"]["random"][-1]]
    config["validate"]["additional_metrics"] = {}
    config["network_def"]["dropout"] = config["network_def"]["backbone"]["dropout"] = 0.0
    path.write_text(json.dumps(config))
    return root


@pytest.fixture(scope="module")
def hips(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Films of noise with courses and factors, some of them missing."""
    folder, random = tmp_path_factory.mktemp("films"), np.random.default_rng(0)
    found = []
    for number in range(sum(SITES.values())):
        picture = random.random((220, 240)).astype(np.float32)
        Volume(picture[None], np.diag([1.0, 1.0, 1.0, 1.0]), "").to_nifti(folder / f"{number}.nii.gz")
        known = {"age_years": random.uniform(60, 90), "female": number % 2, "bmi": random.uniform(20, 30)}
        known |= {"prior_fracture": None, "bmd_t_score": None if number % 3 else -2.0}
        course = {"time_years": random.uniform(0.2, 12), "event": number % 3}
        item = {"case": f"{number}", "patient": f"{number}", "image": str(folder / f"{number}.nii.gz")}
        found.append(item | {"laterality": "RL"[number % 2], "sha256": {}} | course | known)
    return found


def trainer(root: Path, items: list[dict[str, Any]], scratch: Path) -> Trainer:
    scratch.mkdir()
    datalist = {"training": items, "validation": items, "test": items}
    data = CheckedDataset(scratch, datalist, {})
    return Trainer(root, data, scratch, local_epochs=1, device="cpu", seed=0, recipe_digest="", min_cell=1)


def test_a_federated_step_is_a_pooled_step(plain: Path, hips: list[dict[str, Any]], tmp_path: Path) -> None:
    pooled = trainer(plain, hips, tmp_path / "pooled")
    random, before = np.random.default_rng(1), pooled.weights()
    before["head.1.weight"] = random.normal(size=before["head.1.weight"].shape).astype(np.float32)
    whole = pooled.train(before)
    assert (whole.steps, whole.weight) == (1, len(hips))
    updates, first = {}, 0
    for name, count in SITES.items():
        answer = trainer(plain, hips[first : first + count], tmp_path / name).train(before)
        assert (answer.steps, answer.weight) == (1, count)
        updates[name] = (answer.params, answer.weight)
        first += count
    together = average(updates)
    moved = {name: np.abs(value - before[name]).max() for name, value in whole.params.items()}
    assert min(moved.values()) > 0  # every weight has learned
    for name, value in whole.params.items():
        rounding = 2e-5 * moved[name] + 2 * np.spacing(np.abs(value).max())  # of float32 sums in another order
        assert np.abs(together[name] - value).max() < rounding, name
        alone = updates["west"][0][name]
        assert np.abs(alone - value).max() > 10 * np.abs(together[name] - value).max()
