"""What a hospital answers to a task: weights with a report, or a reason why not."""

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from jsonschema import ValidationError
from nvflare.apis.dxo import from_shareable
from nvflare.apis.shareable import Shareable
from nvflare.app_common.abstract.fl_model import FLModel
from nvflare.app_common.utils.fl_model_utils import FLModelUtils

from fedbundle.flare.schema import answer_validator

PATH = re.compile(r"(?<![\w/.])/(?=\S).*?(?=\s(?:must|with|and)\b|[;,:'\"]|$)")  # to where our messages go on
USED, EVALUATED = "used", "evaluated"
REFUSED, FAILED, SILENT, LATE = "refused", "failed", "silent", "late"
META_KEY = "fedbundle"


@dataclass
class Answer:
    """One site's part in one task. What is not set was not told.

    `status` is one of used, evaluated (the site did the task), refused (its policy or data say no),
    failed (an error at the site), silent (nothing heard), late (no answer before the round closed).
    """

    status: str
    reason: str = ""
    code: int = 0  # exit code of fedbundle.errors behind a refusal or failure
    cases: dict[str, Any] = field(default_factory=dict)  # offered, used, dropped by reason; see site/small_counts.py
    steps: int = 0
    weight: float = 0.0  # cases used; FedAvg needs it exact, approving the bundle approves it
    metrics: dict[str, Any] = field(default_factory=dict)  # name -> value, n and, where given, sd and 95 % interval
    seconds: float = 0.0
    recipe_digest: str = ""
    update_norm: float = 0.0  # L2 norm of (weights sent back - weights received)
    params: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    @property
    def done(self) -> bool:
        """Whether the site did what it was asked."""
        return self.status in (USED, EVALUATED)

    def record(self) -> dict[str, Any]:
        """Everything but the weights, for the ledger."""
        told = asdict(self)
        del told["params"]
        return {key: value for key, value in told.items() if value not in ("", {}, 0, 0.0) or key == "status"}

    def to_model(self) -> FLModel:
        """Pack for the way to the server; weights travel only when the task was done."""
        meta = {META_KEY: self.record()}
        if self.done and self.params:
            return FLModel(params=self.params, meta=meta)
        return FLModel(metrics={}, meta=meta)

    def to_shareable(self) -> Shareable:
        """Pack as NVFlare's executor returns it."""
        return FLModelUtils.to_shareable(self.to_model())


def unpack(result: Shareable) -> Answer:
    """Read what arrived at the server; anything that is no answer of ours is a failure with its return code."""
    if result.get_return_code() not in (None, "OK"):
        return Answer(FAILED, f"the site's trainer ended without a result ({result.get_return_code()})")
    try:
        dxo = from_shareable(result)
        told = dxo.meta[META_KEY]
        json.dumps(told, allow_nan=False)
        answer_validator().validate(told)
        answer = Answer(**told)
    except (KeyError, TypeError, ValueError, RecursionError, ValidationError) as error:
        return Answer(FAILED, f"answer must keep the schema of the ledger, got {type(error).__name__}")
    if answer.status == USED:
        if not _are_weights(dxo.data):
            return Answer(FAILED, "weights must be numeric arrays by name, got something else")
        answer.params = dxo.data
    return answer


def told(error: Exception) -> str:
    """The message of one of our errors as it may leave the site: without the site's own paths."""
    return PATH.sub("(path withheld)", str(error))


def _are_weights(data: Any) -> bool:
    return isinstance(data, dict) and all(
        isinstance(name, str) and isinstance(value, np.ndarray) and value.dtype.kind in "fiub"
        for name, value in data.items()
    )
