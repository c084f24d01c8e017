"""A bundle's own evaluator over one section of a datalist: what each metric says, case by case."""

from typing import Any

import numpy as np
from monai.bundle import ConfigWorkflow

from fedbundle.errors import BundleError
from fedbundle.flare.statistics import Measured

EVALUATOR = "validate#evaluator"
METRICS = ("key_val_metric", "additional_metrics")


class Evaluation:
    """Runs `validate#evaluator` of a workflow; its metrics keep their details, one row per case.

    A metric whose `metric_fn` has `statistic(rows)` is of the whole set, such as an area under a curve; the others
    are means over the cases. It may have `strata(rows)`: of each row, which of the groups it belongs to that the
    statistic compares.
    """

    def __init__(self, workflow: ConfigWorkflow) -> None:
        """Build the evaluator, its data and its metrics."""
        self.evaluator: Any = workflow.parser.get_parsed_content(EVALUATOR)
        self._metrics: dict[str, Any] = {}
        for part in METRICS:
            named = workflow.parser.get_parsed_content(f"{EVALUATOR}#{part}", default=None) or {}
            for name, handler in named.items():
                self._metrics[name] = handler.metric_fn

    def run(self, cases: int) -> dict[str, Measured]:
        """Evaluate; `cases` is how many items the section has.

        Raises:
            BundleError: a metric does not keep one row per case.
        """
        self.evaluator.run()
        found = {}
        for name, details in self.evaluator.state.metric_details.items():
            rows = np.asarray(details, np.float64).reshape(len(details), -1)
            if len(rows) != cases:
                raise BundleError(f"metric {name} must keep one row per case, got {len(rows)} of {cases}; mend it")
            metric = self._metrics.get(name)
            statistic, strata = (getattr(metric, each, None) for each in ("statistic", "strata"))
            found[name] = Measured(rows, statistic, strata) if statistic else Measured.of_cases(rows.mean(axis=1))
        return found
