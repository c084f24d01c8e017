"""Metrics of a classifier over a set of cases, against MONAI, against hand counts and against chance."""

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.metrics import compute_roc_auc
from monai.networks.utils import one_hot

from fedblocks.metrics.auroc import GroupAUROC, auroc
from fedblocks.metrics.balanced_accuracy import BalancedAccuracy
from fedblocks.metrics.calibration_error import (
    GroupCalibrationError,
    TopCalibrationError,
    calibration_error,
    reliability,
)
from fedblocks.metrics.class_rows import ClassRows
from fedblocks.metrics.temperature_nll import TemperatureNLL, temperature_metrics

ALL = [GroupAUROC([1, 2]), BalancedAccuracy(), GroupCalibrationError([1, 2]), TopCalibrationError()]


def drawn(cases: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of four classes that know something, and one-hot labels."""
    torch.manual_seed(3)
    truth = torch.randint(4, (cases, 1))
    return torch.randn(cases, 4) + 1.5 * one_hot(truth, 4), one_hot(truth, 4)


@pytest.mark.parametrize("ties", [1, 3, 1000])
def test_auroc_is_monais(ties: int) -> None:
    random = np.random.default_rng(0)
    truths = (random.random(200) < 0.3).astype(np.float64)
    scores = np.round((random.random(200) + truths * 0.4) * ties) / ties
    expected = compute_roc_auc(torch.from_numpy(scores), torch.from_numpy(truths))
    assert auroc(scores, truths) == pytest.approx(float(expected), abs=1e-9)


def test_auroc_by_hand() -> None:
    """Positives 0.9 0.4 0.4 against negatives 0.4 0.1: wins 1 + 1, two halves, and 2 more: 5 of 6."""
    assert auroc(np.array([0.9, 0.4, 0.4, 0.4, 0.1]), np.array([1.0, 1, 1, 0, 0])) == pytest.approx(5 / 6)
    assert np.isnan(auroc(np.array([0.2, 0.4]), np.array([1.0, 1.0])))
    assert np.isnan(auroc(np.zeros(0), np.zeros(0)))


def test_balanced_accuracy_by_hand() -> None:
    """Class 0: 3 of 4, class 2: 0 of 1; class 1 is absent from the truth."""
    rows = np.array([[0, 0], [0, 0], [0, 0], [1, 0], [0, 2]], np.float64)
    assert BalancedAccuracy.statistic(rows) == pytest.approx((0.75 + 0) / 2)
    assert np.isnan(BalancedAccuracy.statistic(rows[:0]))


def test_calibration_error_by_hand() -> None:
    """Two cases at 0.95, one true (off by 0.45); one at 0.5 that is true (off by 0.5); one at 1.0, true."""
    rows = np.array([[0.95, 1], [0.95, 0], [0.5, 1], [1.0, 1]])
    # 0.95 and 1.0 share the last of 15 bins: mean 29/30 told, 2/3 true
    assert reliability(rows).tolist() == [[0.5, 1, 1], [pytest.approx(2.9 / 3), pytest.approx(2 / 3), 3]]
    assert calibration_error(rows) == pytest.approx(0.25 * 0.5 + 0.75 * 0.3)
    assert np.isnan(calibration_error(rows[:0]))


def test_calibrated_probabilities_have_a_small_error_and_overconfident_ones_a_large_one() -> None:
    random = np.random.default_rng(0)
    told = random.random(20000)
    rows = np.stack([told, random.random(20000) < told], axis=1).astype(np.float64)
    sharper = np.stack([told**3 / (told**3 + (1 - told) ** 3), rows[:, 1]], axis=1)
    assert calibration_error(rows) < 0.02
    assert calibration_error(sharper) > 0.1


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: type(metric).__name__)
def test_one_row_per_case_in_any_batches(metric: ClassRows) -> None:
    logits, labels = drawn()
    metric.reset()
    for first in range(0, 60, 7):  # lists, as MONAI's engines hand them over
        metric(list(logits[first : first + 7]), list(labels[first : first + 7]))
    kept = metric.get_buffer().numpy().astype(np.float64)
    assert kept.shape == (60, 2)
    assert metric.aggregate() == pytest.approx(metric.statistic(kept))
    assert np.array_equal(metric.rows(logits, labels).numpy().astype(np.float64), kept)
    assert 0 <= metric.statistic(kept[:25]) <= 1
    metric.reset()
    assert np.isnan(metric.aggregate())


def test_labels_that_are_not_one_hot_are_an_error() -> None:
    for metric in (*ALL, TemperatureNLL(1.0)):
        with pytest.raises(ValueError, match="labels must be one-hot"):
            metric(torch.randn(3, 4), torch.tensor([[1], [2], [0]]))


def test_likelihood_at_temperatures_through_an_engine() -> None:
    logits, labels = drawn()
    cases = [{"pred": pred, "label": label} for pred, label in zip(logits, labels, strict=True)]
    engine = Engine(lambda _, batch: batch)
    engine.state.metric_details = {}
    for name, handler in temperature_metrics({"val_nll_at_0.50": 0.5, "val_nll_at_2.00": 2.0}).items():
        handler.attach(engine, name)
    engine.run([cases[:40], cases[40:]])
    for name, temperature in (("val_nll_at_0.50", 0.5), ("val_nll_at_2.00", 2.0)):
        expected = torch.nn.functional.cross_entropy(logits / temperature, labels.argmax(dim=1), reduction="none")
        torch.testing.assert_close(engine.state.metric_details[name][:, 0], expected)
        assert engine.state.metrics[name] == pytest.approx(float(expected.mean()), abs=1e-6)
