"""Which weights of a network travel between hospitals and server, and which stay at the hospital."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fedbundle.bundle.declared import keep_local
from fedbundle.errors import BundleError

LOCAL, SHARED = "local", "shared"
STATISTICS = ("running_mean", "running_var")  # of a batch norm: what its last batches looked like
COUNTER = "num_batches_tracked"
Value = TypeVar("Value")


@dataclass(frozen=True)
class Sharing:
    """The rule, the same at server and hospitals; it goes by the names of a state dict.

    A batch norm's count of batches never travels. Its running statistics, which are means and variances of the
    hospital's images, travel only where the job declares it (`batch_statistics`); kept at home they are SiloBN
    (Andreux M et al. Siloed federated learning for multi-centric histopathology datasets. DART 2020).
    """

    prefixes: tuple[str, ...] = ()  # names that begin with one of these stay
    batch_statistics: str = LOCAL

    @classmethod
    def of(cls, root: Path, more: Sequence[str] = (), batch_statistics: str = LOCAL) -> "Sharing":
        """What the bundle in `root` declares to stay, and what the job adds; a job cannot take anything away.

        Raises:
            BundleError: the bundle's declaration is no list of prefixes.
        """
        return cls(tuple(sorted({*keep_local(root), *more})), batch_statistics)

    def leaves(self, name: str) -> bool:
        """Whether the weight of this name travels."""
        last = name.rpartition(".")[2]
        if last == COUNTER or (last in STATISTICS and self.batch_statistics != SHARED):
            return False
        return not name.startswith(self.prefixes)

    def split(self, weights: dict[str, Value]) -> tuple[dict[str, Value], dict[str, Value]]:
        """A state dict as what travels and what stays.

        Raises:
            BundleError: nothing would travel, or a prefix names no weight.
        """
        check_prefixes(self.prefixes, weights)
        travel = {name: value for name, value in weights.items() if self.leaves(name)}
        if not travel:
            raise BundleError(f"keep_local must leave weights to share, got {', '.join(self.prefixes)}; name fewer")
        return travel, {name: value for name, value in weights.items() if name not in travel}


def check_prefixes(prefixes: Sequence[str], names: Iterable[str]) -> None:
    """BundleError for a prefix that no weight begins with: a misspelt one would let out what should stay."""
    known = list(names)
    if lost := [prefix for prefix in prefixes if not any(name.startswith(prefix) for name in known)]:
        raise BundleError(f"keep_local must name weights of the network, got {lost[0]!r}, with which none begins")
