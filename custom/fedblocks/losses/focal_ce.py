"""Focal loss plus cross-entropy: few voxels are lesion, and most patients have none."""

import torch
from torch import Tensor, nn


class FocalCELoss(nn.Module):
    """Sum of focal loss and cross-entropy over all voxels, both by softmax.

    Lin TY, Goyal P, Girshick R, He K, Dollár P. Focal loss for dense object detection. ICCV 2017; with cross-entropy as
    the nnU-Net baseline of PI-CAI (DIAGNijmegen/picai_baseline). Unlike Dice it has a gradient for a patient
    without lesions.

    Args:
        gamma: of the focal loss; how much voxels that are right already count less.
        foreground_weight: how many times a foreground voxel counts in both parts.
    """

    def __init__(self, gamma: float = 2.0, foreground_weight: float = 1.0) -> None:
        super().__init__()
        self.gamma = gamma
        self.foreground_weight = foreground_weight

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Mean over voxels; logits [batch, classes, *space], label [batch, 1, *space] of class indices."""
        entropy = nn.functional.cross_entropy(logits, label[:, 0].long(), reduction="none")
        wrong = 1.0 - torch.exp(-entropy)
        weight = torch.where(label[:, 0] > 0, self.foreground_weight, 1.0)
        return (weight * entropy * (1.0 + wrong**self.gamma)).sum() / weight.sum()
