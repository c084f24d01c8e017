"""What a network of hazards says of one side of a study, as a file: the curve of the risk, and its spread."""

import json
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.transforms import Transform
from torch import Tensor, nn

from fedblocks.nets.hazard_net import HazardNet
from fedblocks.survival import checked_edges, risk_at

DIGITS = 6
SPREAD = (2.5, 97.5)  # percentiles of the risk over the passes
SEED = 0


class WriteRiskd(Transform):
    """Write `<case>_<side>_pred.json`, whole or not at all.

    It holds `case`, `laterality`, `years` and, for each of them, `risk` (chance of the event up to then), `low` and
    `high`, and `missing` (risk factors that were not known). `low` and `high` are the 2.5th and 97.5th percentile of
    the risk over passes of the network's last layer with its dropout at work (Gal Y, Ghahramani Z. Dropout as a
    Bayesian approximation. ICML 2016): how much the answer hangs on single weights. They are no confidence interval of
    the patient's risk: what the training data, their labels and the hospital's patients leave open is not in them.
    Without dropout in the network there are none. The same passes are drawn each time.

    Args:
        output_dir: made where it is missing.
        network: that made the predictions.
        edges_years: edges of its intervals.
        years: of the curve.
        passes: with dropout.
        factors: their names, in the order of the network.
        image_key: what the network was given, [1 + 2 * factors, *space].
    """

    def __init__(
        self,
        output_dir: str,
        network: HazardNet,
        edges_years: Sequence[float],
        years: Sequence[float],
        factors: Sequence[str],
        passes: int = 200,
        image_key: str = "image",
    ) -> None:
        self.folder, self.network, self.passes = Path(output_dir), network, passes
        self.edges, self.years = checked_edges(edges_years), [float(year) for year in years]
        self.factors, self.image_key = list(factors), image_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Mapping[Hashable, Any]:
        """Write the item's file; the item is handed on as it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        case, side = str(data["case"]), str(data["laterality"])
        name = f"{case}_{side}"
        if Path(name).name != name:
            raise ValueError("case must be a plain name, got one with a path; mend the datalist")
        told: dict[str, Any] = {"case": case, "laterality": side, "years": self.years}
        logits = torch.as_tensor(data["pred"]).detach()[None]
        told["risk"] = _rounded(risk_at(logits, self.edges, self.years)[0].cpu().numpy())
        image = torch.as_tensor(data[self.image_key])
        if (drawn := self.drawn(image)) is not None:
            told["low"], told["high"] = (_rounded(each) for each in np.percentile(drawn, SPREAD, axis=0))
        known = self.network.known(image[None])[0, len(self.factors) :].tolist()
        told["missing"] = [name for name, there in zip(self.factors, known, strict=True) if not there]
        path = self.folder / f"{name}_pred.json"
        part = path.with_name(f".{path.name}")
        part.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        part.replace(path)
        return data

    def drawn(self, image: Tensor) -> Any:
        """Risks [pass, year] of one image with dropout at work; None for a network without dropout."""
        layers = [layer for layer in self.network.head.modules() if isinstance(layer, nn.Dropout) and layer.p > 0]
        if not layers:
            return None
        before = [layer.training for layer in layers]
        image = image[None].to(self.network.baseline.device)
        try:
            with torch.no_grad(), torch.random.fork_rng():
                torch.manual_seed(SEED)
                described, known = self.network.described(image), self.network.known(image)
                for layer in layers:
                    layer.train()
                logits = self.network.hazards(described.expand(self.passes, -1), known.expand(self.passes, -1))
        finally:
            for layer, training in zip(layers, before, strict=True):
                layer.train(training)
        return risk_at(logits, self.edges, self.years).cpu().numpy()


def _rounded(values: Any) -> list[float]:
    return [round(float(value), DIGITS) for value in values]
