"""Baselines that embarrass: no network, and next to nothing that is learnt. Each answers like a bundle's network."""

from typing import Any

import torch
from monai.inferers import SimpleInferer
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from fedbundle.flare.trainer import Trainer

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

    def fit(self, images: Tensor, labels: Tensor) -> "Thumbnail":
        """Maximum likelihood with weight decay; labels one-hot [case, class]."""
        optimizer = torch.optim.LBFGS(self.parameters(), max_iter=STEPS, line_search_fn="strong_wolfe")

        def loss() -> Tensor:
            optimizer.zero_grad()
            value = nn.functional.cross_entropy(self(images), labels) + DECAY * self.layer.weight.square().sum()
            value.backward()
            return value

        optimizer.step(loss)
        return self


def trivial(bundle: str, pooled: Trainer) -> tuple[nn.Module, dict[str, Any]]:
    """The baseline of a bundle, made from the pooled training cases, and what its evaluation changes in the configs."""
    if bundle == "prostate_mripet_lesion":
        return DarkAndBright(), {}
    cases = pooled.section("training", pooled.network).parser.get_parsed_content("validate#dataset")
    images, labels = ([torch.as_tensor(case[key]) for case in cases] for key in ("image", "label"))
    if bundle == "prostate_mri_zones":
        classes = 1 + int(max(label.max() for label in labels))
        one_hot = [nn.functional.one_hot(label[0].long(), classes).movedim(-1, 0).float() for label in labels]
        return Atlas(torch.stack(one_hot).mean(0)), {"validate#inferer": SimpleInferer()}  # no patches: place matters
    return Thumbnail(len(labels[0])).fit(torch.stack(images), torch.stack(labels).float()), {}
