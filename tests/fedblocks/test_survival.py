"""Hazards of intervals: the curve that follows from them."""

import pytest
import torch

from fedblocks.survival import cumulative_hazard, risk_at

EDGES = [0, 1, 3]
LOGITS = torch.logit(torch.tensor([[0.1, 0.5]]))


def test_the_curve_by_hand() -> None:
    torch.testing.assert_close(torch.exp(-cumulative_hazard(LOGITS)), torch.tensor([[1.0, 0.9, 0.45]]))
    halfway = 1 - 0.9 * 0.5**0.5  # constant hazard rate within an interval
    told = torch.tensor([[0.0, 0.1, halfway, 0.55]])
    torch.testing.assert_close(risk_at(LOGITS, EDGES, [0, 1, 2, 3]), told)


def test_small_risks_keep_their_digits() -> None:
    told = risk_at(torch.full((1, 2), -20.0), EDGES, [3])
    torch.testing.assert_close(told, torch.full((1, 1), 2 * 2.0611536e-9), rtol=1e-5, atol=0)


def test_other_times_and_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"years must lie within 0 to 3, got 4"):
        risk_at(LOGITS, EDGES, [4])
    with pytest.raises(ValueError, match=r"logits must be \[batch, 2\]"):
        risk_at(torch.zeros(1, 3), EDGES, [1])
