"""The trainer process at a hospital: receives weights, runs the approved bundle's own workflow, answers."""

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import nvflare.client as flare
import tyro

from fedbundle.errors import BundleError, FedbundleError, SiteError
from fedbundle.flare.answer import FAILED, REFUSED, Answer, told
from fedbundle.flare.gatekeeper import put_first
from fedbundle.site.approvals import require
from fedbundle.site.home import SiteHome


@dataclass(frozen=True)
class Client:
    """Started by BundleExecutor; every value was checked there."""

    site: Path
    bundle: str
    recipe_digest: str
    local_epochs: int
    device: Literal["cpu", "cuda"]
    seed: int
    size: Literal["phantom", "full"]
    batch_statistics: Literal["local", "shared"] = "local"
    keep_local: tuple[str, ...] = ()

    def run(self) -> int:
        """Serve tasks until the job ends; an error is answered, not died of."""
        flare.init()
        trainer, answer = None, Answer(FAILED, "no trainer")
        try:
            trainer = self._start()
        except Exception as error:  # a process boundary: the federation hears why, the site's log hears all
            answer = _problem(error)
        while flare.is_running():
            model = flare.receive()
            if model is None:
                break
            if trainer is not None:
                try:
                    split = model.meta.get("split")
                    number = int(model.current_round or 0)
                    answer = (
                        trainer.evaluate(model.params, split, number) if split else trainer.train(model.params, number)
                    )
                except Exception as error:  # likewise
                    answer = _problem(error)
            flare.send(answer.to_model())
        return 0

    def _start(self):  # type: ignore[no-untyped-def]  # the class may only be imported after the gate
        """Check once more, in this process, then import what trains."""
        home = SiteHome.open(self.site)
        put_first(require(home, self.bundle, self.recipe_digest))
        from fedbundle.flare.trainer import Trainer

        return Trainer.of_site(
            home,
            self.bundle,
            self.recipe_digest,
            flare.get_job_id(),
            self.local_epochs,
            self.device,
            self.seed,
            self.size,
            self.keep_local,
            self.batch_statistics,
        )


def _problem(error: Exception) -> Answer:
    """A reason fit to leave the hospital: our own errors name no patient, of others only the class is told."""
    traceback.print_exception(error)
    if isinstance(error, SiteError | BundleError):
        return Answer(REFUSED, told(error), error.code)
    if isinstance(error, FedbundleError):
        return Answer(FAILED, told(error), error.code)
    return Answer(FAILED, f"{type(error).__name__} in the trainer; the site's own job log tells more")


if __name__ == "__main__":
    sys.exit(tyro.cli(Client).run())
