"""The policies at work: one server, one hospital, and people in three roles over mutual TLS."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nvflare.fuel.flare_api.api_spec import AuthorizationError
from nvflare.fuel.flare_api.flare_api import Session

from fedbundle.flare.login import session
from fedbundle.flare.processes import Federation, free_port
from fedbundle.provision.kits import provision

pytestmark = [pytest.mark.slow, pytest.mark.e2e]
ADMIN, SCIENTIST, OBSERVER = "admin@consortium.example", "scientist@trondheim.example", "observer@nijmegen.example"
BUNDLE = {"bundle": "tiny", "recipe_digest": f"sha256:{'0' * 64}"}


@pytest.fixture(scope="module")
def kits(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[dict[str, Path]]:
    folder = tmp_path_factory.mktemp("live")
    made = provision(repository / "provisioning" / "project.yml", folder / "kits", port=free_port())
    kits = {name: kit for name, kit in made.items() if name not in ("taipei", "trondheim")}
    with Federation(kits, folder / "run") as federation:
        federation.start()
        federation.wait_ready(90)
        yield kits


def write_job(root: Path, *client_components: dict[str, Any]) -> Path:
    """A job without code, such as anyone may write by hand."""
    config = root / "app" / "config"
    config.mkdir(parents=True)
    controller = {"path": "fedbundle.flare.quorum.QuorumFedAvg", "args": BUNDLE | {"version": "1", "quorum": 1}}
    persistor = {"path": "fedbundle.flare.persistor.BundlePersistor", "args": BUNDLE, "id": "persistor"}
    executor = {"path": "fedbundle.flare.executor.BundleExecutor", "args": BUNDLE}
    files = {
        root / "meta.json": {"name": root.name, "min_clients": 1, "deploy_map": {"app": ["@ALL"]}},
        config / "config_fed_server.json": {"workflows": [controller | {"id": "flow"}], "components": [persistor]},
        config / "config_fed_client.json": {
            "executors": [{"tasks": ["train"], "executor": executor}],
            "components": list(client_components),
        },
    }
    for file, content in files.items():
        file.write_text(json.dumps(content | {"format_version": 2}))
    return root


def run(opened: Session, job: Path) -> tuple[str, dict[str, Any]]:
    job_id = opened.submit_job(str(job))
    deadline = time.monotonic() + 120
    while not (meta := opened.get_job_meta(job_id))["status"].startswith("FINISHED"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return job_id, meta


def test_a_job_cannot_ask_for_a_file_of_the_hospital_and_its_author_learns_why(
    kits: dict[str, Path], tmp_path: Path
) -> None:
    """NVFlare's JobLogStreamer takes a file name from the job; only our SiteErrorLog sends anything."""
    streamer = {"id": "s", "path": "nvflare.app_common.logging.job_log_streamer.JobLogStreamer", "args": {}}
    with session(kits[SCIENTIST]) as opened:
        job_id, meta = run(opened, write_job(tmp_path / "streamer", streamer))
        assert meta["status"] == "FINISHED:ABNORMAL"
        assert "ERRORLOG_nijmegen" in opened.list_job_components(job_id)
        fetched = Path(opened.download_job_components(job_id))
        text = "".join(file.read_text() for file in fetched.rglob("ERRORLOG_nijmegen") if file.is_file())
        assert "job_log_streamer.JobLogStreamer' at config path 'components.#1' is not in allow_list" in text
        assert "logs" in opened.get_job_logs(job_id, target="server")


@pytest.mark.parametrize("user", [ADMIN, SCIENTIST])
def test_nobody_brings_code(kits: dict[str, Path], tmp_path: Path, user: str) -> None:
    job = write_job(tmp_path / "custom")
    (job / "app" / "custom").mkdir()
    (job / "app" / "custom" / "code.py").write_text("")
    with session(kits[user]) as opened:
        _, meta = run(opened, job)
    assert meta["status"] == "FINISHED:FAILED_TO_RUN"
    assert "server: BYOC not permitted" in meta["job_deploy_detail"]


def test_an_observer_looks_and_does_not_touch(kits: dict[str, Path], tmp_path: Path) -> None:
    with session(kits[OBSERVER]) as opened:
        assert [client.name for client in opened.get_connected_client_list()] == ["nijmegen"]
        with pytest.raises(AuthorizationError):
            opened.submit_job(str(write_job(tmp_path / "job")))


@pytest.mark.parametrize("user", [ADMIN, SCIENTIST])
def test_nobody_from_outside_reads_a_hospitals_files(kits: dict[str, Path], user: str) -> None:
    with session(kits[user]) as opened, pytest.raises(AuthorizationError):
        opened.cat_target("nijmegen", file="log.txt")


def test_the_scientist_sees_what_the_sites_offer(kits: dict[str, Path]) -> None:
    with session(kits[SCIENTIST]) as opened:
        assert "resources" in str(opened.report_resources("client"))
        with pytest.raises(AuthorizationError):
            opened.shutdown("server", wait=False)
