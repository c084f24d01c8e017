"""Where a classifier looked: Grad-CAM of the network that made the prediction, place by place.

Selvaraju RR, Cogswell M, Das A, Vedantam R, Parikh D, Batra D. Grad-CAM: visual explanations from deep networks via
gradient-based localization. ICCV 2017. Draelos RL, Carin L. Use HiResCAM instead of Grad-CAM for faithful explanations
of convolutional neural networks. arXiv 2011.08891 (2020): gradients are not averaged over the image, which would put
evidence to the wrong place where the class layers know places; after global pooling the two are the same.

Not MONAI's, which leaves hooks on the network it explains.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 -- torch's own documentation calls it so

from fedblocks.nets.calibrated import CalibratedClassifier


class GradCAMd(MapTransform):
    """Add a map of what spoke for the class predicted, for each image [channels, *space] of an item.

    The map [1, *space], float32, from 0 to 1, carries the image's geometry. It explains the class with the highest
    logit; where that is `normal`, it explains the likeliest of `findings`, the closest to an alarm there was. What is
    explained is the log-odds of that class against all others, not its logit: softmax ignores what all logits share,
    and a network may well say yes by lowering the others. Feature maps are multiplied by their gradients and summed,
    evidence against the class is cut off, the greatest value becomes 1. Where no evidence is left (every gradient is 0,
    or all speak against the class) the map is 0 throughout, and `empty` is told. The temperature changes no map.

    Gradients are taken inside `torch.no_grad` too, not inside `torch.inference_mode`.

    Args:
        keys: images, as the network takes them.
        network: that made the predictions.
        normal: class without a finding.
        findings: classes that are findings.
        saliency_key: of the map.
        told_key: of {"class": class explained, "empty": no evidence was left}.
    """

    def __init__(
        self,
        keys: KeysCollection,
        network: CalibratedClassifier,
        normal: int,
        findings: Sequence[int],
        saliency_key: str = "saliency",
        told_key: str = "saliency_of",
    ) -> None:
        super().__init__(keys)
        self.network, self.normal, self.findings = network, normal, list(findings)
        self.saliency_key, self.told_key = saliency_key, told_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the map and what it explains."""
        item = dict(data)
        for key in self.key_iterator(item):
            image = item[key]
            plain = image.as_tensor() if isinstance(image, MetaTensor) else image
            saliency, explained = self.explain(plain)
            item[self.saliency_key] = MetaTensor(saliency, meta=getattr(image, "meta", None))
            item[self.told_key] = {"class": explained, "empty": not bool(saliency.any())}
        return item

    def explain(self, image: Tensor) -> tuple[Tensor, int]:
        """Map [1, *space] of one image [channels, *space], and the class that it explains."""
        place = self.network.temperature.device
        with torch.enable_grad():
            maps = self.network.feature_maps(image.detach().float()[None].to(place)).detach().requires_grad_()
            logits = self.network.logits_of(maps)[0] * self.network.temperature
            explained = self._chosen(logits.detach())
            others = torch.cat([logits[:explained], logits[explained + 1 :]])
            (gradient,) = torch.autograd.grad(logits[explained] - torch.logsumexp(others, 0), maps)
        evidence = (gradient * maps.detach()).sum(dim=1, keepdim=True).clamp(min=0)
        mode = "bilinear" if image.ndim == 3 else "trilinear"
        saliency = F.interpolate(evidence, image.shape[1:], mode=mode, align_corners=False)[0]
        highest = saliency.max()
        return (saliency / highest if highest > 0 else torch.zeros_like(saliency)).cpu(), explained

    def _chosen(self, logits: Tensor) -> int:
        predicted = int(logits.argmax())
        if predicted != self.normal:
            return predicted
        return self.findings[int(logits[self.findings].argmax())]
