"""Baselines that embarrass: no network, and next to nothing that is learnt. Each answers like a bundle's network."""

from collections.abc import Sequence
from typing import Any

import torch
from monai.inferers import SimpleInferer
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from fedblocks.losses.hazard_nll import HazardNLL
from fedblocks.nets.no_reconstruction import NoReconstruction
from fedbundle.flare.trainer import Trainer
from value.ways import AGE_ONLY, FACTORS_ONLY

SIDE = 16
STEPS, DECAY = 200, 1e-2


class Atlas(nn.Module):
    """Zones: how often each voxel of the working grid is which zone, whatever the image shows."""

    def __init__(self, frequency: Tensor) -> None:
        """Take the frequencies [class, *space]."""
        super().__init__()
        self.register_buffer("logits", torch.log(frequency.clamp_min(1e-6))[None])

    def forward(self, image: Tensor) -> Tensor:
        """The same for every image."""
        return self.logits.expand(len(image), *self.logits.shape[1:])


class DarkAndBright(nn.Module):
    """Lesions: the brighter at high b-value and the darker on ADC, the more suspicious; nothing is learnt."""

    def forward(self, image: Tensor) -> Tensor:
        """Logits from the channels ADC (1) and high b (2) of the bundle's scaled modalities."""
        score = image[:, 2:3] - image[:, 1:2] - 3.0
        return torch.cat([torch.zeros_like(score), score], dim=1)


class Thumbnail(nn.Module):
    """Fractures: logistic regression on 16 x 16 thumbnails of the crops."""

    def __init__(self, classes: int) -> None:
        """Begin at zero."""
        super().__init__()
        self.layer = nn.Linear(SIDE * SIDE, classes)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of the thumbnails."""
        logits: Tensor = self.layer(adaptive_avg_pool2d(image, SIDE).flatten(1) - 0.5)
        return logits


class LinearHazards(nn.Module):
    """Risk of a fracture: proportional hazards, linear in some risk factors and in which are missing; no image."""

    def __init__(self, factors: int, used: Sequence[int], intervals: int) -> None:
        """Use these of the factors; begin at zero."""
        super().__init__()
        self.columns = [*used, *(factors + number for number in used)]
        self.layer = nn.Linear(len(self.columns), 1, bias=False)
        self.baseline = nn.Parameter(torch.full((intervals,), -4.0))
        nn.init.zeros_(self.layer.weight)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of hazards from the planes behind the image: a value per factor, then which are known."""
        planes = image[:, 1:].float().mean(dim=(2, 3))
        half = planes.shape[1] // 2
        known = planes[:, half:]
        values = torch.where(known > 0.5, planes[:, :half], torch.zeros_like(known))
        logits: Tensor = self.baseline + self.layer(torch.cat([values, known], dim=1)[:, self.columns])
        return logits


def fitted(network: nn.Module, images: Tensor, labels: Tensor, loss_function: nn.Module) -> nn.Module:
    """The network of least loss and weight decay over all cases."""
    optimizer = torch.optim.LBFGS(network.parameters(), max_iter=STEPS, line_search_fn="strong_wolfe")
    weight: Tensor = network.layer.weight  # type: ignore[assignment]

    def loss() -> Tensor:
        optimizer.zero_grad()
        value: Tensor = loss_function(network(images), labels) + DECAY * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)
    return network


def baseline(bundle: str, name: str, pooled: Trainer) -> tuple[nn.Module, dict[str, Any]]:
    """A baseline of a bundle, made from the pooled training cases, and what its evaluation changes in the configs."""
    if bundle == "prostate_mripet_lesion":
        return DarkAndBright(), {}
    if bundle == "brain_mri_anomaly":
        return NoReconstruction(), {}
    cases = pooled.section("training", pooled.network).parser.get_parsed_content("validate#dataset")
    images, labels = ([torch.as_tensor(case[key]) for case in cases] for key in ("image", "label"))
    if bundle == "prostate_mri_zones":
        classes = 1 + int(max(label.max() for label in labels))
        one_hot = [nn.functional.one_hot(label[0].long(), classes).movedim(-1, 0).float() for label in labels]
        return Atlas(torch.stack(one_hot).mean(0)), {"validate#inferer": SimpleInferer()}  # no patches: place matters
    if bundle == "hip_radiograph_risk":
        return _hazards(name, pooled, torch.stack(images), torch.stack(labels)), {}
    made = Thumbnail(len(labels[0]))
    return fitted(made, torch.stack(images), torch.stack(labels).float(), nn.CrossEntropyLoss()), {}


def _hazards(name: str, pooled: Trainer, images: Tensor, labels: Tensor) -> nn.Module:
    parser = pooled.workflow.parser
    factors, edges = list(parser.get_parsed_content("factors")), parser.get_parsed_content("edges_years")
    used = {AGE_ONLY: ["age_years"], FACTORS_ONLY: factors}[name]
    made = LinearHazards(len(factors), [factors.index(each) for each in used], len(edges) - 1)
    return fitted(made, images, labels, HazardNLL(edges))
