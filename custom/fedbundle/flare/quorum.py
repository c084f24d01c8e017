"""The server's rounds: k of n hospitals are enough, every wait is finite, every answer is written down."""

import hashlib
import time
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

from fedbundle.errors import FedbundleError, FellShortError
from fedbundle.flare.answer import EVALUATED, FAILED, SILENT, USED, Answer, unpack
from fedbundle.flare.fedavg import Weights, average, misfit
from fedbundle.flare.ledger import COMPLETED, NAME, OUT, Ledger
from fedbundle.flare.ledger import FAILED as RUN_FAILED
from fedbundle.flare.listening import ListeningCommunicator
from fedbundle.flare.names import checked_bundle, checked_count, checked_digest
from fedbundle.flare.persistor import BundlePersistor
from fedbundle.flare.waits import Round, Waits, count_done

TRAIN, EVALUATE = AppConstants.TASK_TRAIN, AppConstants.TASK_VALIDATION
STATS_GROUP = "fedbundle"
_POLL_S = 0.05


class QuorumFedAvg(Controller):
    """Federated averaging over whoever answers, as long as a quorum does.

    A round ends when every invited site has answered or is known to be gone, or `straggler_wait` after the quorum
    was reached, or after `round_timeout`. Sites that refuse or fall silent are not asked again. Below the quorum
    the run is FAILED.

    The weights of round r are judged by the sites' validation metric at the start of round r + 1 (the last ones by
    an evaluation of their own); the best are kept and evaluated on every site's test section.

    Args:
        bundle: name of the bundle.
        version: its version, for the ledger.
        recipe_digest: what every participant must have approved.
        rounds: training rounds.
        quorum: sites that must answer in every round.
        local_epochs: told in the ledger; the executor does them.
        seed: told in the ledger.
        key_metric: metric by which weights are selected, higher is better.
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
        round_timeout: float = 7200.0,
        straggler_wait: float = 600.0,
        silence_limit: float = 20.0,
        start_wait: float = 90.0,
    ) -> None:
        super().__init__(task_check_period=_POLL_S)
        self.bundle = checked_bundle(bundle)
        self.version = version
        self.recipe_digest = checked_digest(recipe_digest)
        self.rounds = checked_count("rounds", rounds, 1, 10_000)
        self.local_epochs = local_epochs
        self.seed = seed
        self.key_metric = key_metric
        self.quorum, self.round_timeout, self.straggler_wait = quorum, round_timeout, straggler_wait
        self.silence_limit, self.start_wait = silence_limit, start_wait
        self._waits = Waits(quorum, round_timeout, straggler_wait, silence_limit, start_wait)
        self._ledger = Ledger()
        self._began = 0.0

    # NVFlare's hooks

    def set_communicator(self, communicator: WFCommSpec) -> None:
        """Listen with our own communicator; the one given stays NVFlare's event handler for statistics."""
        super().set_communicator(communicator)
        self.communicator = ListeningCommunicator(self._task_check_period)
        self.communicator.controller = self

    def start_controller(self, fl_ctx: FLContext) -> None:
        """Name the ledger's place; nothing of the bundle is touched yet."""
        self._ledger.path = Path(fl_ctx.get_prop(FLContextKey.APP_ROOT)) / NAME

    def stop_controller(self, fl_ctx: FLContext) -> None:  # noqa: ARG002 - NVFlare's signature
        """Close the ledger of a run that was stopped from outside."""
        self._ledger.close(RUN_FAILED, "the run was aborted before its last round")

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Tell a watcher how far the run is (`show_stats`)."""
        super().handle_event(event_type, fl_ctx)
        if event_type == InfoCollector.EVENT_TYPE_GET_STATS:
            collector = fl_ctx.get_prop(InfoCollector.CTX_KEY_STATS_COLLECTOR)
            if isinstance(collector, GroupInfoCollector):
                collector.add_info(group_name=STATS_GROUP, info=self._ledger.progress())

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
        self._ledger.open(fl_ctx.get_job_id(), self._declared(), sites)
        try:
            self._run(sites, abort_signal, fl_ctx)
        except FedbundleError as error:
            self._ledger.close(RUN_FAILED, str(error))
            self.system_panic(str(error), fl_ctx)
        except Exception as error:
            self._ledger.close(RUN_FAILED, f"{type(error).__name__} at the server; its job log tells more")
            raise
        else:
            self._ledger.close(COMPLETED)

    # the run

    def _declared(self) -> dict[str, Any]:
        names = ("bundle", "version", "recipe_digest", "rounds", "local_epochs", "key_metric", "seed")
        return {"algorithm": "fedavg", **{name: getattr(self, name) for name in names}, **vars(self._waits)}

    def _run(self, sites: list[str], abort_signal: Signal, fl_ctx: FLContext) -> None:
        persistor = self._engine.get_component(AppConstants.DEFAULT_PERSISTOR_ID)
        if not isinstance(persistor, BundlePersistor):
            raise FellShortError(f"persistor must be a BundlePersistor, got {type(persistor).__name__}")
        weights: Weights = persistor.load_model(fl_ctx)["weights"]
        best = _Selection(persistor, fl_ctx)
        for number in range(self.rounds):
            self.log_info(fl_ctx, f"round {number} of {self.rounds} with {', '.join(sites)}")
            answers = self._ask(TRAIN, weights, sites, number, abort_signal, fl_ctx)
            metric = self._pooled_metric(answers)
            if number > 0:
                best.consider(number - 1, metric, weights)
            weights = self._aggregate(weights, answers)
            self._ledger.add_round(number, answers, metric=metric, weights_digest=weights_digest(weights))
            self._require_quorum(answers, f"round {number}")
            persistor.save_model(make_model_learnable(dict(weights), {}), fl_ctx)
            sites = still_in(answers)
        answers = self._ask(EVALUATE, weights, sites, self.rounds, abort_signal, fl_ctx, split="validation")
        metric = self._pooled_metric(answers)
        self._ledger.add_evaluation("validation of the last round", answers, metric=metric)
        self._require_quorum(answers, "the last validation")
        best.consider(self.rounds - 1, metric, weights)
        selected = best.required(self.key_metric)
        self._ledger.select(
            round=best.round, metric=best.metric, key_metric=self.key_metric, weights_digest=weights_digest(selected)
        )
        answers = self._ask(EVALUATE, selected, still_in(answers), self.rounds + 1, abort_signal, fl_ctx, split="test")
        self._ledger.add_evaluation("test of the selected weights", answers)
        self._require_quorum(answers, "the test")

    def _ask(
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
        if len(sites) < self.quorum:
            raise FellShortError(f"quorum must be {self.quorum} sites, got {len(sites)} still in; see the ledger")
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
                    self._ledger.note(site, SILENT, why)
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
            self._ledger.note(client_task.client.name, answer.status, answer.reason)
        return answer

    def _gone(self, site: str) -> str:
        ears: ListeningCommunicator = self.communicator
        limit = self.silence_limit if ears.has_joined(site) else self.start_wait
        return ears.gone(site, limit, self._began)

    def _aggregate(self, weights: Weights, answers: dict[str, Answer]) -> Weights:
        updates = {site: (a.params, a.weight) for site, a in answers.items() if a.status == USED}
        return average(updates) if len(updates) >= self.quorum else weights

    def _pooled_metric(self, answers: dict[str, Answer]) -> float | None:
        """Key metric over the sites that told it, weighted by their training cases (equally in an evaluation)."""
        told = [
            (answer.metrics[self.key_metric]["value"], answer.weight or 1.0)
            for answer in answers.values()
            if answer.done and answer.metrics.get(self.key_metric, {}).get("value") is not None
        ]
        if not told:
            return None
        return round(float(np.average([value for value, _ in told], weights=[weight for _, weight in told])), 4)

    def _require_quorum(self, answers: dict[str, Answer], when: str) -> None:
        if (count := count_done(answers)) < self.quorum:
            why = "; ".join(f"{site} {a.status}: {a.reason}" for site, a in answers.items() if not a.done)
            raise FellShortError(f"quorum must be {self.quorum} sites, got {count} in {when} ({why}); ask these sites")


class _Selection:
    """The best weights so far, kept on disk by the persistor."""

    def __init__(self, persistor: BundlePersistor, fl_ctx: FLContext) -> None:
        self._persistor, self._fl_ctx = persistor, fl_ctx
        self._weights: Weights | None = None
        self.round, self.metric = -1, -np.inf

    def consider(self, number: int, metric: float | None, weights: Weights) -> None:
        """Keep `weights`, the result of round `number`, if they are better than all before."""
        if metric is not None and metric > self.metric:
            self.round, self.metric, self._weights = number, metric, weights
            self._persistor.save_best(make_model_learnable(dict(weights), {}), self._fl_ctx)

    def required(self, key_metric: str) -> Weights:
        """The best weights; FellShortError when no site ever reported the metric."""
        if self._weights is None:
            raise FellShortError(f"at least one site must report {key_metric}, got none; nothing can be selected")
        return self._weights


def still_in(answers: dict[str, Answer]) -> list[str]:
    """Sites to ask again: not those that refused or fell silent."""
    return [site for site, answer in answers.items() if answer.status not in OUT]


def weights_digest(weights: Weights) -> str:
    """SHA-256 over names, types, shapes and bytes of all weights in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = np.ascontiguousarray(weights[name])
        digest.update(f"{name}\0{value.dtype}\0{value.shape}\0".encode())
        digest.update(value.tobytes())
    return f"sha256:{digest.hexdigest()}"
