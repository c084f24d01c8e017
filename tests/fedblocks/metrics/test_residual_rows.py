"""Metrics of residual maps, judged by scikit-learn and MONAI."""

import numpy as np
import pytest
import torch
from monai.metrics import DiceMetric
from sklearn.metrics import average_precision_score

from fedblocks.metrics.residual_rows import (
    HealthyAbove,
    NegativeL1,
    ResidualAP,
    ResidualDice,
    residual_metrics,
)

SHAPE = (1, 24, 24, 6)


def cases() -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Three cases: family 1, family 2 with a voxel of family 1, healthy; a margin lies outside the brain."""
    random = torch.Generator().manual_seed(2)
    scores, masks = [], []
    for number in range(3):
        mask = torch.zeros(SHAPE, dtype=torch.uint8)
        if number < 2:
            mask[:, 8:14, 8:14, 2:4] = number + 1
        if number == 1:
            mask[:, 20, 20, 5] = 1
        score = torch.exp2(torch.randn(SHAPE, generator=random) * 1.2 - 0.5 + 1.5 * (mask > 0))
        score[:, :3] = -1
        scores.append(score)
        masks.append(mask)
    return scores, masks


def value(metric: ResidualAP | ResidualDice | HealthyAbove | NegativeL1, pair: tuple[list, list]) -> float:
    metric(*pair)
    return float(metric.aggregate())


def test_average_precision_is_that_of_scikit_learn() -> None:
    scores, masks = cases()
    with_it = [number for number in range(3) if bool((masks[number] == 1).any())]
    kept = [(masks[n] != 2) & (scores[n] >= 0) for n in with_it]
    truth = torch.cat([(masks[n] == 1)[keep] for n, keep in zip(with_it, kept, strict=True)])
    score = torch.cat([scores[n][keep] for n, keep in zip(with_it, kept, strict=True)])
    judged = average_precision_score(truth.numpy(), score.clamp(min=1 / 16).numpy())
    assert value(ResidualAP(1), (scores, masks)) == pytest.approx(judged, abs=2e-3)  # bins make a few ties


def test_dice_at_the_limit_is_that_of_monai() -> None:
    scores, masks = cases()
    judge = DiceMetric(ignore_empty=True)
    judge([(scores[0] >= 1).float()], [(masks[0] == 1).float()])
    assert value(ResidualDice(1), (scores[:1], masks[:1])) == pytest.approx(float(judge.aggregate()), abs=1e-6)


def test_rows_are_one_per_case_and_any_of_them_give_a_value() -> None:
    metric = ResidualDice(2)
    metric(*cases())
    rows = np.asarray(metric.get_buffer(), np.float64)
    assert len(rows) == 3
    assert metric.strata(rows).tolist() == [0, 1, 0]
    assert metric.statistic(rows) == metric.statistic(rows[1:2])
    assert np.isnan(metric.statistic(rows[:1]))
    assert np.isnan(ResidualAP.statistic(rows[2:]))


def test_false_positives_are_of_cases_without_lesions() -> None:
    scores, masks = cases()
    brain = scores[2] >= 0
    assert value(HealthyAbove(), (scores, masks)) == pytest.approx(float((scores[2][brain] >= 1).float().mean()))
    assert np.isnan(value(HealthyAbove(), (scores[:2], masks[:2])))


def test_the_key_metric_needs_no_label() -> None:
    image = torch.tensor([0.0, 0.5, 1.0]).reshape(1, 3, 1, 1)
    assert value(NegativeL1(), ([image + 0.25], [image])) == pytest.approx(-0.25)


def test_a_metric_for_each_sign_and_family() -> None:
    named = residual_metrics({"mass": 2, "dark": 3})
    assert len(named) == 3 * (1 + 2 * 2)
    assert "val_ap_dark_absolute" in named
