"""A bundle's own evaluator over one section of a datalist: what each metric says, case by case."""

from typing import Any

import numpy as np
from monai.bundle import ConfigWorkflow

from fedbundle.bundle.ids import has
from fedbundle.errors import BundleError
from fedbundle.flare.statistics import Measured
from fedbundle.flare.workflow import EVALUATOR, part_of

METRICS = (f"{EVALUATOR}#key_val_metric", f"{EVALUATOR}#additional_metrics")


class Evaluation:
    """Runs `validate#evaluator` of a workflow; its metrics keep their details, one row per case.

    A metric whose `metric_fn` has `statistic(rows)` is of the whole set, such as an area under a curve; the others
    are means over the cases. It may have `strata(rows)`: of each row, which of the groups it belongs to that the
    statistic compares. Of a metric that keeps no details, as ignite's own, nothing is known but its value.
    """

    def __init__(self, workflow: ConfigWorkflow) -> None:
        """Build the evaluator, its data and its metrics."""
        self.evaluator: Any = part_of(workflow, EVALUATOR)
        self._metrics: dict[str, Any] = {}
        for part in METRICS:
            named = part_of(workflow, part) if has(workflow.parser.get(), part) else None
            for name, handler in (named or {}).items():
                self._metrics[name] = getattr(handler, "metric_fn", None)

    def run(self, cases: int) -> dict[str, Measured]:
        """Evaluate; `cases` is how many items the section has.

        Raises:
            BundleError: a metric does not keep one row per case.
        """
        self.evaluator.run()
        values = self.evaluator.state.metrics
        numbers = {name: values[name] for name in self._metrics if np.size(values.get(name)) == 1 and name in values}
        found = {name: Measured.of_set(float(value), cases) for name, value in numbers.items()}
        for name, details in self.evaluator.state.metric_details.items():
            if np.ndim(details) > 2:
                continue  # such as a confusion matrix per case, whose mean is not the metric
            rows = np.asarray(details, np.float64).reshape(len(details), -1)
            if len(rows) != cases:
                raise BundleError(f"metric {name} must keep one row per case, got {len(rows)} of {cases}; mend it")
            metric = self._metrics.get(name)
            statistic, strata = (getattr(metric, each, None) for each in ("statistic", "strata"))
            found[name] = Measured(rows, statistic, strata) if statistic else Measured.of_cases(rows.mean(axis=1))
        return found
