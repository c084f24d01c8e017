"""The hospital's executor: checks approval first, then starts our trainer and nothing else.

NVFlare's own ClientAPIExecutor takes the command it starts from the job; listed at a hospital it would give every
submitter a shell. This one fixes the command and accepts checked values only.
"""

import sys
from collections.abc import Sequence
from typing import Any

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_context import FLContext
from nvflare.apis.shareable import Shareable
from nvflare.apis.signal import Signal
from nvflare.app_common.app_constant import AppConstants
from nvflare.app_common.executors.client_api_executor import ClientAPIExecutor

from fedbundle.bundle.declared import PHANTOM
from fedbundle.errors import FedbundleError
from fedbundle.flare.answer import REFUSED, Answer, told
from fedbundle.flare.gatekeeper import site_home
from fedbundle.flare.names import (
    checked_batch_statistics,
    checked_bundle,
    checked_count,
    checked_digest,
    checked_prefixes,
    checked_size,
)
from fedbundle.flare.shared import LOCAL
from fedbundle.site.approvals import require

TRAINER = "fedbundle.flare.client"


class BundleExecutor(ClientAPIExecutor):
    """Trains and evaluates one approved bundle in a process of its own.

    Args:
        bundle: name of a bundle that this site has installed.
        recipe_digest: the digest the job was made for; another one here is a refusal.
        local_epochs: passes over the site's training cases per round.
        gpus: GPUs the job was scheduled with at this site; 0 trains on the CPU.
        seed: seed of shuffling and augmentation.
        size: `phantom` or `full`.
        keep_local: prefixes of weights that stay at this site, besides those that the bundle declares.
        batch_statistics: whether running statistics of batch norms travel, `local` or `shared`.
    """

    def __init__(
        self,
        bundle: str,
        recipe_digest: str,
        local_epochs: int = 1,
        gpus: int = 0,
        seed: int = 0,
        size: str = PHANTOM,
        keep_local: Sequence[str] = (),
        batch_statistics: str = LOCAL,
    ) -> None:
        self.bundle = checked_bundle(bundle)
        self.recipe_digest = checked_digest(recipe_digest)
        self.local_epochs = checked_count("local_epochs", local_epochs, 1, 1000)
        self.gpus = checked_count("gpus", gpus, 0, 16)
        self.seed = checked_count("seed", seed, 0, 2**31 - 1)
        self.size = checked_size(size)
        self.keep_local = checked_prefixes(keep_local)
        self.batch_statistics = checked_batch_statistics(batch_statistics)
        self._refusal: Answer | None = None
        super().__init__(
            execution_mode="external_process",
            command=[sys.executable, "-m", TRAINER],  # completed with this site's own paths at the start of the run
            launch_timeout=600.0,  # imports on a busy machine
            heartbeat_timeout=60.0,
            shutdown_timeout=10.0,
            stop_grace_period=5.0,
        )

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """At the start of a run check approval; only an admitted job gets a trainer."""
        if event_type == EventType.START_RUN:
            self._refusal = self._examine(fl_ctx)
            if self._refusal is not None:
                self.log_error(fl_ctx, f"job refused: {self._refusal.reason}", fire_event=False)
                return
        super().handle_event(event_type, fl_ctx)

    def execute(self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        """Answer with the refusal, or let the trainer work."""
        if self._refusal is None:
            return super().execute(task_name, shareable, fl_ctx, abort_signal)
        reply = self._refusal.to_shareable()
        reply.set_header(AppConstants.CURRENT_ROUND, shareable.get_header(AppConstants.CURRENT_ROUND))
        return reply

    def _examine(self, fl_ctx: FLContext) -> Answer | None:
        try:
            home = site_home(fl_ctx)
            require(home, self.bundle, self.recipe_digest)
        except FedbundleError as error:
            return Answer(REFUSED, told(error), error.code)
        self._command = self._trainer_command(str(home.path))
        return None

    def _trainer_command(self, site: str) -> list[str]:
        options: dict[str, Any] = {
            "--site": site,
            "--bundle": self.bundle,
            "--recipe-digest": self.recipe_digest,
            "--local-epochs": self.local_epochs,
            "--device": "cuda" if self.gpus else "cpu",
            "--seed": self.seed,
            "--size": self.size,
            "--batch-statistics": self.batch_statistics,
        }
        words = [str(word) for option in options.items() for word in option]
        stay = ["--keep-local", *self.keep_local] if self.keep_local else []
        return [sys.executable, "-u", "-m", TRAINER, *words, *stay]
