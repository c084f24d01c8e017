"""One provisioned federation over mutual TLS for all end-to-end tests: server, three hospitals, admins."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from samples.ball_site import BUNDLE, write_ball_bundle, write_ball_site

from fedbundle.flare.processes import Federation, free_port
from fedbundle.flare.recipe import BundleRecipe
from fedbundle.flare.watch import JobEnd, WatchedProdEnv
from fedbundle.provision.kits import provision
from fedbundle.site.home import SiteHome
from fedbundle.site.kit import kind_of

PROJECT = Path(__file__).parents[2] / "provisioning" / "project.yml"
SCIENTIST = "scientist@trondheim.example"


@dataclass
class Consortium:
    """What the tests work with."""

    folder: Path
    bundle: Path
    kits: dict[str, Path]
    homes: dict[str, SiteHome]
    federation: Federation

    @property
    def hospitals(self) -> list[str]:
        """Names of the hospitals."""
        return [name for name in self.homes if name != "server"]

    def job(self, edit: Callable[[Path], None] | None = None, **settings: Any) -> Path:
        """Export a job, as --export does, and let `edit` change the folder."""
        folder = self.folder / "jobs" / str(len(list((self.folder / "jobs").glob("*"))))
        BundleRecipe(self.bundle, **({"rounds": 1, "quorum": 2} | settings)).export(str(folder))
        if edit:
            edit(folder / BUNDLE)
        return folder / BUNDLE

    def watcher(self, said: list[str] | None = None) -> WatchedProdEnv:
        """The data scientist's way in."""
        say = (said if said is not None else []).append
        return WatchedProdEnv(self.kits[SCIENTIST], self.folder / "results", say, timeout=240)

    def run(self, job: Path, said: list[str] | None = None) -> JobEnd:
        """Submit and follow to the end."""
        env = self.watcher(said)
        return env.follow(env.submit(job))


@pytest.fixture(scope="session")
def consortium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consortium]:
    """Started once; stopped with nothing left running."""
    folder = tmp_path_factory.mktemp("consortium")
    kits = provision(PROJECT, folder / "kits", port=free_port())
    bundle = write_ball_bundle(folder)
    homes = {}
    with Federation(kits, folder / "run") as federation:
        for seed, (name, kit) in enumerate(federation.kits.items()):
            home = "server" if kind_of(kit) == "server" else name
            homes[home] = write_ball_site(folder / "sites", home, bundle, seed)
            homes[home].point_kit(kit)
        federation.start()
        federation.wait_ready(120)
        yield Consortium(folder, bundle, kits, homes, federation)
        federation.stop()
        assert federation.processes() == []
    shutil.rmtree(folder, ignore_errors=True)


def edit_json(path: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """An edit of one JSON file of a job folder."""

    def edit(job: Path) -> None:
        content = json.loads((job / path).read_text())
        change(content)
        (job / path).write_text(json.dumps(content))

    return edit
