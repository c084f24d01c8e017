"""The server's stores lie in the kit it runs from, wherever that was moved."""

import stat
from pathlib import Path

import pytest
from nvflare.apis.storage import StorageSpec

from fedbundle.flare.stores import KitJobManager, KitLogReceiver, KitStorage, in_kit


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "startup").mkdir()
    (tmp_path / "startup" / "fed_server.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_stores_are_absolute_inside_the_kit_and_private(kit: Path) -> None:
    storage, jobs, logs = KitStorage(), KitJobManager(), KitLogReceiver()
    assert isinstance(storage, StorageSpec)
    places = [storage.root_dir, jobs.uri_root, logs._effective_dest_dir()]
    assert places == [str(kit / "storage" / name) for name in ("snapshots", "jobs", "logs")]
    assert {stat.S_IMODE(Path(place).stat().st_mode) for place in places} == {0o700}


def test_outside_a_servers_kit_nothing_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError, match=r"server must run from its kit, got .*; start it with startup/start\.sh"):
        in_kit("jobs")
    assert not any(tmp_path.iterdir())
