"""From a downloaded job result to the bundle that clinicians get."""

from pathlib import Path

from fedbundle.bundle.declared import PHANTOM
from fedbundle.bundle.digest import recipe_digest
from fedbundle.bundle.export import Exported, export_bundle
from fedbundle.bundle.layout import Bundle
from fedbundle.bundle.rebuild import read_weights
from fedbundle.errors import DigestError, ExportError, FellShortError, InputError
from fedbundle.flare.ledger import COMPLETED, find
from fedbundle.flare.persistor import BEST
from fedbundle.flare.shared import SHARED, STATISTICS


def release(result: Path, out: Path, bundle: Path | None) -> Exported:
    """Export the selected weights of a completed run with its ledger.

    Args:
        result: downloaded job result.
        out: folder or zip to write.
        bundle: bundle folder the job was made from; default `bundles/<name>` under the working directory.

    Raises:
        InputError: no ledger or no weights in the result.
        FellShortError: the run did not complete; nothing is exported from less than was declared.
        DigestError: the bundle folder is not the one that was trained.
        ExportError: running statistics of batch norms stayed at the hospitals, and the network does not work without.
    """
    ledger = find(result)
    declared = ledger["declared"]
    if ledger["outcome"] != COMPLETED:
        raise FellShortError(
            f"run must be COMPLETED to be exported, got {ledger['outcome']}: {ledger['reason']}; see fedbundle ledger"
        )
    source = Bundle.open(bundle or Path("bundles") / declared["bundle"])
    if (digest := recipe_digest(source.root)) != declared["recipe_digest"]:
        raise DigestError(
            f"bundle must have the digest that was trained, {declared['recipe_digest'][:19]}, got {digest[:19]}; "
            "check out the version the job was made from"
        )
    weights = sorted(result.rglob(BEST))
    if len(weights) != 1:
        raise InputError(f"result must hold one {BEST}, got {len(weights)} under {result}; download the job again")
    if declared.get("batch_statistics", SHARED) != SHARED:
        _refuse_untrained_statistics(weights[0])
    return export_bundle(source.root, weights[0], out, {"ledger": ledger}, declared.get("size", PHANTOM))


def _refuse_untrained_statistics(weights: Path) -> None:
    if names := [name for name in read_weights(weights) if name.rpartition(".")[2] in STATISTICS]:
        raise ExportError(
            f"running statistics of batch norms must have travelled to be exported, got {len(names)} that stayed "
            "at the hospitals; train with --batch-statistics shared, or use a network with instance or group norm"
        )
