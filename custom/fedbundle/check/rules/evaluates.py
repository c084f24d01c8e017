"""Evaluation loads the weights that training kept, and writes its metrics."""

from collections.abc import Iterator

from fedbundle.check.finding import ExemptError, Problem
from fedbundle.check.running import have_weights, outputs, telling, workflow
from fedbundle.check.subject import EVALUATE, Subject


def evaluates(bundle: Subject) -> Iterator[Problem]:
    """configs/evaluate.json on synthetic data."""
    if bundle.stock:
        raise ExemptError("no data can be made for a stock bundle, and federated runs do not use configs/evaluate.json")
    have_weights(bundle)
    opened = workflow(bundle, EVALUATE, "train")
    with telling(EVALUATE, "run"):
        opened.run()
    written = sorted(path.name for path in outputs(bundle, EVALUATE).rglob("*") if path.is_file())
    if not written:
        yield Problem(
            EVALUATE, "validate#handlers", "must write metrics into output_dir, got no file; add MetricsSaver"
        )
    bundle.tell(f"{len(written)} files")
