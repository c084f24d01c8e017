"""NVFlare's simulator runs the same job over site homes: how a data scientist tries it before submitting."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from samples.ball_site import write_ball_bundle, write_ball_site

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]
JOB = """
import sys
from pathlib import Path
from fedbundle.flare.job import options, run
from fedbundle.flare.recipe import BundleRecipe
bundle = Path(sys.argv.pop(1))
chosen = options(rounds=2, local_epochs=1)
sys.exit(run(BundleRecipe(bundle, **chosen.settings()), chosen))
"""


@pytest.mark.parametrize("approved", [True, False])
def test_the_simulator_trains_the_approved_and_no_other(approved: bool, tmp_path: Path) -> None:
    bundle = write_ball_bundle(tmp_path)
    for seed, name in enumerate(("server", "hospital-a", "hospital-b")):
        write_ball_site(tmp_path / "sites", name, bundle, seed, approved=approved or name == "server")
    (tmp_path / "job.py").write_text(JOB)
    command = [sys.executable, str(tmp_path / "job.py"), str(bundle), "--env", "sim", "--straggler-wait", "5"]
    command += ["--sites", str(tmp_path / "sites"), "--out", str(tmp_path / "out")]
    environment = os.environ | {"HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    (ledger,) = (json.loads(path.read_text()) for path in (tmp_path / "out").rglob("ledger.json"))
    if approved:
        assert (done.returncode, ledger["outcome"]) == (0, "COMPLETED"), done.stderr[-2000:]
        assert [sorted(entry["sites"]) for entry in ledger["rounds"]] == [["hospital-a", "hospital-b"]] * 2
    else:
        assert (done.returncode, ledger["outcome"]) == (62, "FAILED")
        assert "approve" in ledger["sites"]["hospital-a"]["reason"]
