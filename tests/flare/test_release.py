"""From a result to a bundle: what must not be exported."""

import json
from pathlib import Path

import pytest
import torch
from samples.ball_site import BUNDLE, write_ball_bundle

from fedbundle.bundle.digest import recipe_digest
from fedbundle.errors import ExportError
from fedbundle.flare.first_weights import first_weights
from fedbundle.flare.ledger import COMPLETED, NAME
from fedbundle.flare.persistor import BEST
from fedbundle.flare.quorum import QuorumFedAvg
from fedbundle.flare.release import release


@pytest.mark.parametrize("statistics", ["local", "shared"])
def test_a_network_without_its_running_statistics_is_not_exported(tmp_path: Path, statistics: str) -> None:
    bundle = write_ball_bundle(tmp_path)
    config = bundle / "configs" / "train.json"
    train = json.loads(config.read_text())
    train["network_def"]["norm"] = "batch"
    for file in (config, bundle / "configs" / "inference.json"):
        told = json.loads(file.read_text())
        told["network_def"]["norm"] = "batch"
        file.write_text(json.dumps(told))
    run = QuorumFedAvg(BUNDLE, "0.1.0", recipe_digest(bundle), batch_statistics=statistics)
    run.ledger.path = tmp_path / "result" / NAME
    run.ledger.path.parent.mkdir()
    run.ledger.open("job-1", run._declared(), ["hospital-a"])
    run.ledger.close(COMPLETED)
    state = {name: torch.as_tensor(value) for name, value in first_weights(bundle, 0).items()}
    torch.save(state, tmp_path / "result" / BEST)
    if statistics == "shared":
        assert release(tmp_path / "result", tmp_path, bundle).path.is_file()
    else:
        with pytest.raises(ExportError, match="running statistics of batch norms must have travelled"):
            release(tmp_path / "result", tmp_path, bundle)
