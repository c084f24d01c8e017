"""Focal loss plus cross-entropy."""

import pytest
import torch
from monai.losses import FocalLoss

from fedblocks.losses.focal_ce import FocalCELoss


def test_it_is_monais_focal_loss_plus_cross_entropy() -> None:
    torch.manual_seed(0)
    logits, label = torch.randn(2, 2, 6, 5, 4), torch.randint(2, (2, 1, 6, 5, 4))
    focal = FocalLoss(gamma=2.0, use_softmax=True, to_onehot_y=True, reduction="none")(logits, label).sum(dim=1).mean()
    entropy = torch.nn.functional.cross_entropy(logits, label[:, 0])
    assert FocalCELoss(gamma=2.0)(logits, label).item() == pytest.approx((focal + entropy).item(), rel=1e-5)


def test_foreground_counts_more_and_a_case_without_any_has_a_gradient() -> None:
    logits = torch.zeros(1, 2, 4, 4, 4, requires_grad=True)
    label = torch.zeros(1, 1, 4, 4, 4)
    FocalCELoss(foreground_weight=5.0)(logits, label).backward()
    assert logits.grad is not None
    assert (logits.grad[:, 1] > 0).all()
    label[..., 0, 0, 0] = 1
    wrong = torch.stack([torch.ones(1, 4, 4, 4), torch.zeros(1, 4, 4, 4)], dim=1)
    assert FocalCELoss(foreground_weight=5.0)(wrong, label) > FocalCELoss()(wrong, label)
