"""Ways to federate, by the names of their arms; the others are the baselines."""

from dataclasses import dataclass

POOLED, CONSENSUS, LOCAL, TRIVIAL = "pooled", "consensus", "local", "trivial"
AGE_ONLY, FACTORS_ONLY, ORACLE = "age only", "factors only", "oracle"
THRESHOLD = "threshold"
FEDAVG, FEDAVGM, FEDBN, SPLIT = "fedavg", "fedavgm", "fedbn", "split"
DECLARED, ALL, ALL_BUT_NORMS = "declared", "all", "all but norms"


@dataclass(frozen=True)
class Way:
    """Federated averaging of the bundle as it stands, but for what is set here.

    `share` is which weights travel: what the bundle declares; `all`, whatever it declares to stay; or `all but norms`,
    as FedBN keeps those of normalisation layers (Li X et al. FedBN: federated learning on non-IID features via local
    batch normalization. ICLR 2021), here of group and instance norms.
    """

    sites: tuple[str, ...] = ()  # that take part; default: all that train
    server_momentum: float = 0.0
    share: str = DECLARED
