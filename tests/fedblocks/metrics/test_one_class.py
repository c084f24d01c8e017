"""One class of one-hot predictions and labels."""

import torch
from monai.metrics import DiceMetric

from fedblocks.metrics import class_of


def test_a_class_is_kept_of_every_case() -> None:
    masks = [torch.eye(3)[torch.randint(3, size)].movedim(-1, 0) for size in ((4, 5, 6), (7, 5, 3))]
    wrong = [mask.roll(1, dims=0) for mask in masks]
    output = [{"pred": pred, "label": label} for pred, label in zip(wrong, masks, strict=True)]
    for channel in range(3):
        predictions, labels = class_of(channel)(output)
        assert [tuple(each.shape) for each in labels] == [(1, 4, 5, 6), (1, 7, 5, 3)]
        assert all(torch.equal(each[0], mask[channel]) for each, mask in zip(labels, masks, strict=True))
        assert all(torch.equal(each[0], mask[channel]) for each, mask in zip(predictions, wrong, strict=True))


def test_monais_metric_takes_what_comes_out() -> None:
    mask = torch.zeros(3, 4, 4, 4)
    mask[1, 1:3] = 1
    predictions, labels = class_of(1)([{"pred": mask, "label": mask}])
    assert DiceMetric()(predictions, labels).item() == 1.0
