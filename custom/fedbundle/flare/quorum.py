"""The server's rounds: k of n hospitals are enough, every wait is finite, every answer is written down."""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from nvflare.apis.client import Client
from nvflare.apis.controller_spec import ClientTask, Task, TaskCompletionStatus
from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext
from nvflare.apis.impl.controller import Controller
from nvflare.apis.shareable import Shareable
from nvflare.apis.signal import Signal
from nvflare.apis.wf_comm_spec import WFCommSpec
from nvflare.app_common.abstract.fl_model import FLModel
from nvflare.app_common.abstract.model import make_model_learnable
from nvflare.app_common.app_constant import AppConstants
from nvflare.app_common.utils.fl_model_utils import FLModelUtils
from nvflare.widgets.info_collector import GroupInfoCollector, InfoCollector

from fedbundle.bundle.declared import PHANTOM, checked_calibration
from fedbundle.errors import FedbundleError, FellShortError
from fedbundle.flare.answer import EVALUATED, FAILED, SILENT, USED, Answer, unpack
from fedbundle.flare.fedavg import Weights, misfit
from fedbundle.flare.ledger import COMPLETED, NAME, Ledger
from fedbundle.flare.ledger import FAILED as RUN_FAILED
from fedbundle.flare.listening import ListeningCommunicator
from fedbundle.flare.names import (
    checked_batch_statistics,
    checked_bundle,
    checked_count,
    checked_digest,
    checked_momentum,
    checked_prefixes,
    checked_size,
)
from fedbundle.flare.persistor import BundlePersistor
from fedbundle.flare.rounds import Answers, Plan, Selected, federate
from fedbundle.flare.shared import LOCAL
from fedbundle.flare.waits import Round, Waits

TRAIN, EVALUATE = AppConstants.TASK_TRAIN, AppConstants.TASK_VALIDATION
STATS_GROUP = "fedbundle"
_POLL_S = 0.05


class QuorumFedAvg(Controller):
    """Federated averaging over whoever answers, as long as a quorum does.

    A round ends when every invited site has answered or is known to be gone, or `straggler_wait` after the quorum
    was reached, or after `round_timeout`. Sites that refuse or fall silent are not asked again. Below the quorum
    the run is FAILED.

    What happens in the rounds stands in `rounds.federate`; this class carries its messages.

    Args:
        bundle: name of the bundle.
        version: its version, for the ledger.
        recipe_digest: what every participant must have approved.
        rounds: training rounds.
        quorum: sites that must answer in every round.
        local_epochs: told in the ledger; the executor does them.
        server_momentum: see `fedavg.ServerMomentum`; 0 is federated averaging.
        seed: told in the ledger.
        keep_local: all prefixes of weights that stay at the hospitals; told in the ledger.
        batch_statistics: whether running statistics of batch norms travel; told in the ledger.
        key_metric: metric by which weights are selected, higher is better.
        size: `phantom` or `full`, told in the ledger; export needs it.
        calibration_weight, calibration_metrics: see `bundle.declared.Calibration`; none by default.
        round_timeout: seconds a round may take at most.
        straggler_wait: seconds to wait for the others once the quorum has answered.
        silence_limit: seconds without a sign of life after which a site counts as gone.
        start_wait: seconds a site has to start its job process before silence counts.
    """

    def __init__(
        self,
        bundle: str,
        version: str,
        recipe_digest: str,
        rounds: int = 10,
        quorum: int = 2,
        local_epochs: int = 1,
        seed: int = 0,
        key_metric: str = "val_mean_dice",
        size: str = PHANTOM,
        calibration_weight: str = "",
        calibration_metrics: dict[str, float] | None = None,
        round_timeout: float = 7200.0,
        straggler_wait: float = 600.0,
        silence_limit: float = 20.0,
        start_wait: float = 90.0,
        server_momentum: float = 0.0,
        keep_local: Sequence[str] = (),
        batch_statistics: str = LOCAL,
    ) -> None:
        super().__init__(task_check_period=_POLL_S)
        self.bundle = checked_bundle(bundle)
        self.version = version
        self.recipe_digest = checked_digest(recipe_digest)
        self.rounds = checked_count("rounds", rounds, 1, 10_000)
        self.local_epochs = local_epochs
        self.server_momentum = checked_momentum(server_momentum)
        self.seed = seed
        self.keep_local = checked_prefixes(keep_local)
        self.batch_statistics = checked_batch_statistics(batch_statistics)
        self.key_metric, self.size = key_metric, checked_size(size)
        self._calibration = checked_calibration(calibration_weight, calibration_metrics or {})
        self.calibration_weight, self.calibration_metrics = calibration_weight, dict(self._calibration.metrics)
        self.quorum, self.round_timeout, self.straggler_wait = quorum, round_timeout, straggler_wait
        self.silence_limit, self.start_wait = silence_limit, start_wait
        self._waits = Waits(quorum, round_timeout, straggler_wait, silence_limit, start_wait)
        self.ledger = Ledger()
        self._began = 0.0

    # NVFlare's hooks

    def set_communicator(self, communicator: WFCommSpec) -> None:
        """Listen with our own communicator; the one given stays NVFlare's event handler for statistics."""
        super().set_communicator(communicator)
        self.communicator = ListeningCommunicator(self._task_check_period)
        self.communicator.controller = self

    def start_controller(self, fl_ctx: FLContext) -> None:
        """Name the ledger's place; nothing of the bundle is touched yet."""
        self.ledger.path = Path(fl_ctx.get_prop(FLContextKey.APP_ROOT)) / NAME

    def stop_controller(self, fl_ctx: FLContext) -> None:  # noqa: ARG002 - NVFlare's signature
        """Close the ledger of a run that was stopped from outside."""
        self.ledger.close(RUN_FAILED, "the run was aborted before its last round")

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Tell a watcher how far the run is (`show_stats`)."""
        super().handle_event(event_type, fl_ctx)
        if event_type == InfoCollector.EVENT_TYPE_GET_STATS:
            collector = fl_ctx.get_prop(InfoCollector.CTX_KEY_STATS_COLLECTOR)
            if isinstance(collector, GroupInfoCollector):
                collector.add_info(group_name=STATS_GROUP, info=self.ledger.progress())

    def process_result_of_unknown_task(
        self,
        client: Client,
        task_name: str,
        client_task_id: str,  # noqa: ARG002 - NVFlare's signature
        result: Shareable,  # noqa: ARG002 - NVFlare's signature
        fl_ctx: FLContext,
    ) -> None:
        """An answer to a round that is closed is not used."""
        self.log_info(fl_ctx, f"{client.name} answered {task_name} after its round was closed; not used")

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        """Run all rounds; on any failure the ledger says FAILED and NVFlare's job does not end as completed."""
        sites = sorted(client.name for client in self._engine.get_clients())
        self._began = time.monotonic()
        self.ledger.open(fl_ctx.get_job_id(), self._declared(), sites)
        try:
            self._run(sites, abort_signal, fl_ctx)
        except FedbundleError as error:
            self.ledger.close(RUN_FAILED, str(error))
            self.system_panic(str(error), fl_ctx)
        except Exception as error:
            self.ledger.close(RUN_FAILED, f"{type(error).__name__} at the server; its job log tells more")
            raise
        else:
            self.ledger.close(COMPLETED)

    # the run

    def _declared(self) -> dict[str, Any]:
        names = ["bundle", "version", "recipe_digest", "rounds", "local_epochs", "key_metric", "seed", "size"]
        names += ["keep_local", "batch_statistics"]
        told = {name: getattr(self, name) for name in names} | vars(self._waits)
        if not self.server_momentum:
            return {"algorithm": "fedavg", **told}
        return {"algorithm": "fedavgm", "server_momentum": self.server_momentum, **told}

    def _run(self, sites: list[str], abort_signal: Signal, fl_ctx: FLContext) -> None:
        persistor = self._engine.get_component(AppConstants.DEFAULT_PERSISTOR_ID)
        if not isinstance(persistor, BundlePersistor):
            raise FellShortError(f"persistor must be a BundlePersistor, got {type(persistor).__name__}")
        plan = Plan(self.rounds, self.quorum, self.key_metric, self._calibration, self.server_momentum)
        weights: Weights = persistor.load_model(fl_ctx)["weights"]
        federate(_OverNVFlare(self, persistor, abort_signal, fl_ctx), plan, weights, sites)

    def ask(
        self,
        task_name: str,
        weights: Weights,
        sites: list[str],
        number: int,
        abort_signal: Signal,
        fl_ctx: FLContext,
        split: str = "",
    ) -> dict[str, Answer]:
        """Send weights to `sites` and wait, finitely, until each has answered or is given up."""
        this = Round(self._waits, sites)
        wanted = USED if task_name == TRAIN else EVALUATED

        def receive(client_task: ClientTask, fl_ctx: FLContext) -> None:  # noqa: ARG001 - NVFlare's signature
            this.answers[client_task.client.name] = self._heard(client_task, weights, wanted)

        model = FLModel(params=dict(weights), current_round=number, total_rounds=self.rounds, meta={"split": split})
        task = Task(task_name, FLModelUtils.to_shareable(model), result_received_cb=receive)
        self.broadcast(task, fl_ctx, sites, min_responses=len(sites))
        while not this.over() and not abort_signal.triggered:
            time.sleep(_POLL_S)
            for site in this.missing():
                if why := self._gone(site):
                    self.ledger.note(site, SILENT, why)
                    this.answers[site] = Answer(SILENT, why)
        if task.completion_status is None:
            self.cancel_task(task, TaskCompletionStatus.CANCELLED, fl_ctx)
        if abort_signal.triggered:
            raise FellShortError("run must not be stopped before its last round, got an abort")
        return this.close()

    def _heard(self, client_task: ClientTask, weights: Weights, wanted: str) -> Answer:
        answer = unpack(client_task.result)
        client_task.result = None
        if answer.done and answer.status != wanted:
            answer = Answer(FAILED, f"answer must be {wanted}, got {answer.status}")
        if answer.status == USED and (problem := misfit(weights, answer.params)):
            answer = Answer(FAILED, problem)
        if answer.status == USED and not answer.weight > 0:
            answer = Answer(FAILED, f"weight must be positive, got {answer.weight:g}")
        if not answer.done:
            self.ledger.note(client_task.client.name, answer.status, answer.reason)
        return answer

    def _gone(self, site: str) -> str:
        ears: ListeningCommunicator = self.communicator
        limit = self.silence_limit if ears.has_joined(site) else self.start_wait
        return ears.gone(site, limit, self._began)


class _OverNVFlare:
    """The messenger of `federate` in a provisioned federation: tasks out, answers in, ledger and weights to disk."""

    def __init__(
        self, controller: QuorumFedAvg, persistor: BundlePersistor, abort_signal: Signal, fl_ctx: FLContext
    ) -> None:
        self._controller, self._persistor = controller, persistor
        self._abort_signal, self._fl_ctx = abort_signal, fl_ctx

    def train(self, weights: Weights, sites: Sequence[str], number: int) -> Answers:
        self._controller.log_info(self._fl_ctx, f"round {number} of {self._controller.rounds} with {', '.join(sites)}")
        return self._controller.ask(TRAIN, weights, list(sites), number, self._abort_signal, self._fl_ctx)

    def evaluate(self, weights: Weights, sites: Sequence[str], number: int, split: str) -> Answers:
        return self._controller.ask(EVALUATE, weights, list(sites), number, self._abort_signal, self._fl_ctx, split)

    def round_ended(self, number: int, answers: Answers, metric: float | None, weights: Weights) -> None:
        ledger = self._controller.ledger
        ledger.add_round(number, answers, metric=metric, weights_digest=weights_digest(weights))
        self._persistor.save_model(make_model_learnable(dict(weights), {}), self._fl_ctx)

    def evaluated(self, name: str, answers: Answers, metric: float | None) -> None:
        told = {} if metric is None else {"metric": metric}
        self._controller.ledger.add_evaluation(name, answers, **told)

    def improved(self, weights: Weights) -> None:
        self._persistor.save_best(make_model_learnable(dict(weights), {}), self._fl_ctx)

    def selected(self, selected: Selected) -> None:
        told = {"calibration": dict(selected.calibrated)} if selected.calibrated else {}
        self._controller.ledger.select(
            round=selected.round,
            metric=selected.metric,
            key_metric=self._controller.key_metric,
            weights_digest=weights_digest(selected.weights),
            **told,
        )


def weights_digest(weights: Weights) -> str:
    """SHA-256 over names, types, shapes and bytes of all weights in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = np.ascontiguousarray(weights[name])
        digest.update(f"{name}\0{value.dtype}\0{value.shape}\0".encode())
        digest.update(value.tobytes())
    return f"sha256:{digest.hexdigest()}"
