"""BundleRecipe: an NVFlare recipe that names a bundle and carries no code."""

import os
from collections.abc import Sequence
from pathlib import Path

from nvflare.job_config.api import FedJob
from nvflare.recipe import SimEnv
from nvflare.recipe.spec import ExecEnv, Recipe

from fedbundle.bundle.declared import PHANTOM, calibration, key_metric, size_configs
from fedbundle.bundle.digest import recipe_digest
from fedbundle.bundle.layout import Bundle
from fedbundle.errors import InputError
from fedbundle.files import write_json
from fedbundle.flare.executor import BundleExecutor
from fedbundle.flare.gatekeeper import SIMULATED_SITES
from fedbundle.flare.persistor import BundlePersistor
from fedbundle.flare.quorum import EVALUATE, TRAIN, QuorumFedAvg
from fedbundle.flare.shared import LOCAL, Sharing

QUICK = {  # seconds; NVFlare's defaults cost 2.5 s of sleep per round
    "server": {"server": {"task_request_interval": 0.2}},
    "client": {"job_heartbeat_interval": 3.0, "task_check_interval": 1.0},
}


def job_classes() -> list[str]:
    """Exact paths of the classes that jobs of this recipe name; provisioning lists them, and nothing else."""
    return [f"{kind.__module__}.{kind.__qualname__}" for kind in (BundleExecutor, BundlePersistor, QuorumFedAvg)]


class BundleRecipe(Recipe):
    """Train an approved bundle at all connected sites with federated averaging.

    The exported job holds the bundle's name, version and recipe digest and the settings below; no `custom/` folder,
    no path, no command.

    Args:
        bundle: the scientist's own copy of the bundle; its digest is what hospitals must have approved.
        rounds: training rounds.
        quorum: sites that must answer in every round, and that NVFlare must find before it starts the job.
        local_epochs: passes over a site's training cases per round.
        server_momentum: 0 for federated averaging, above for FedAvgM; see `fedavg.ServerMomentum`.
        gpus: GPUs per site; a site without them does not take part.
        seed: of first weights, shuffling and augmentation.
        size: `phantom`, or `full` for the published recipe.
        keep_local: prefixes of weights that stay at the hospitals, besides those that the bundle declares.
        batch_statistics: whether running statistics of batch norms travel, `local` or `shared`.
        name: job name; default: the bundle's name.
        round_timeout, straggler_wait, silence_limit: see QuorumFedAvg, in seconds.

    Raises:
        BundleError: the folder is no bundle, or has no such size.
        ValueError: a setting is out of its bounds.
    """

    def __init__(
        self,
        bundle: Path,
        *,
        rounds: int = 10,
        quorum: int = 2,
        local_epochs: int = 1,
        server_momentum: float = 0.0,
        gpus: int = 0,
        seed: int = 0,
        size: str = PHANTOM,
        keep_local: Sequence[str] = (),
        batch_statistics: str = LOCAL,
        name: str = "",
        round_timeout: float = 7200.0,
        straggler_wait: float = 600.0,
        silence_limit: float = 20.0,
    ) -> None:
        opened = Bundle.open(Path(bundle))
        digest = recipe_digest(opened.root)
        size_configs(opened.root, "train.json", size)
        declared = calibration(opened.root)
        stay = list(keep_local)
        job = FedJob(name=name or opened.name, min_clients=quorum)
        job.set_app_packages(["fedbundle"])
        if gpus:
            job.job.add_resource_spec("@default", {"num_of_gpus": gpus})
        job.to_server(BundlePersistor(opened.name, digest, seed, size, stay, batch_statistics), id="persistor")
        self.controller = QuorumFedAvg(
            opened.name,
            opened.version,
            digest,
            rounds=rounds,
            quorum=quorum,
            local_epochs=local_epochs,
            server_momentum=server_momentum,
            round_timeout=round_timeout,
            straggler_wait=straggler_wait,
            silence_limit=silence_limit,
            seed=seed,
            key_metric=key_metric(opened.root),
            size=size,
            calibration_weight=declared.weight,
            calibration_metrics=dict(declared.metrics),
            keep_local=list(Sharing.of(opened.root, stay).prefixes),
            batch_statistics=batch_statistics,
        )
        job.to_server(self.controller, id="controller")
        job.to_server(QUICK["server"])
        executor = BundleExecutor(opened.name, digest, local_epochs, gpus, seed, size, stay, batch_statistics)
        job.to_clients(executor, tasks=[TRAIN, EVALUATE])
        job.to_clients(QUICK["client"])
        self.bundle = opened
        super().__init__(job)

    def process_env(self, env: ExecEnv) -> None:
        """Give NVFlare's simulator the same short class list that provisioned kits have.

        Its clients send no heartbeats, so there silence tells nothing; the round's timeout remains.
        """
        if isinstance(env, SimEnv):
            self.controller.silence_limit = self.controller.start_wait = 3600.0
            local = Path(env.workspace_root) / self._job.name / "local"
            write_json(local / "resources.json", {"format_version": 2, "class_allow_list": job_classes()})


def simulation(sites: Path, workspace: Path) -> SimEnv:
    """NVFlare's simulator over site homes.

    Args:
        sites: folder with one site home per hospital and one named `server`.
        workspace: where NVFlare writes.

    Raises:
        InputError: no hospital's home is there.
    """
    names = sorted(home.parent.name for home in sites.glob("*/site.toml") if home.parent.name != "server")
    if not names or not (sites / "server" / "site.toml").is_file():
        raise InputError(f"{sites} must hold site homes of `server` and hospitals, got {names or 'none'}")
    os.environ[SIMULATED_SITES] = str(sites.resolve())
    return SimEnv(clients=names, num_threads=len(names), workspace_root=str(workspace.resolve()))
