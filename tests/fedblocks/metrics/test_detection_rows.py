"""PI-CAI metrics, judged by picai_eval on random patients."""

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.handlers import IgniteMetricHandler
from picai_eval import evaluate
from scipy import ndimage

from fedblocks.detection import detection_map
from fedblocks.metrics.detection_rows import COLUMNS, DetectionRows, LesionAP, PatientAUROC, PicaiScore

SHAPE = (24, 20, 10)
Case = tuple[np.ndarray, np.ndarray]


def patient(seed: int) -> Case:
    """Map and label; some labels have several lesions, some none, and values are coarse, so that there are ties."""
    draw = np.random.default_rng(seed)
    truth = np.zeros(SHAPE, dtype=np.uint8)
    heat = 0.5 * ndimage.gaussian_filter(draw.normal(size=SHAPE), 2) / 0.05
    for _ in range(draw.integers(0, 4)):
        centre = [draw.integers(2, size - 2) for size in SHAPE]
        ball = sum((axis - c) ** 2 for axis, c in zip(np.indices(SHAPE), centre, strict=True)) <= draw.integers(3, 12)
        truth[ball] = 1
        heat = heat + draw.uniform(0, 6) * ndimage.gaussian_filter(ball.astype(float), 1.2)
    return np.round(detection_map((1 / (1 + np.exp(3 - heat))).astype(np.float32), 2), 1), truth


def rows_of(metric: DetectionRows, cases: list[Case]) -> np.ndarray:
    for found, truth in cases:
        metric([torch.as_tensor(found)[None]], [torch.as_tensor(truth)[None]])
    rows: np.ndarray = metric.get_buffer().double().numpy()
    return rows


@pytest.mark.parametrize("seed", range(6))
def test_picai_eval_agrees(seed: int) -> None:
    cases = [patient(100 * seed + number) for number in range(30)]
    judged = evaluate([found for found, _ in cases], [truth for _, truth in cases], num_parallel_calls=1)
    rows = rows_of(PicaiScore(), cases)
    assert rows.shape == (30, COLUMNS)
    assert PatientAUROC.statistic(rows) == pytest.approx(judged.auroc, abs=1e-6)
    assert LesionAP.statistic(rows) == pytest.approx(judged.AP, abs=1e-6)
    assert PicaiScore.statistic(rows) == pytest.approx(judged.score, abs=1e-6)


def test_any_subset_of_rows_has_a_value_or_none() -> None:
    cases = [patient(number) for number in range(30)]
    rows = rows_of(PicaiScore(), cases)
    drawn = np.random.default_rng(0).integers(0, 30, 30)
    judged = evaluate([cases[k][0] for k in drawn], [cases[k][1] for k in drawn], num_parallel_calls=1)
    assert PicaiScore.statistic(rows[drawn]) == pytest.approx(judged.score, abs=1e-6)
    assert np.isnan(PicaiScore.statistic(rows[rows[:, 0] == 0]))
    assert np.isnan(PicaiScore.statistic(rows[:0]))


def test_a_lesion_that_nothing_hits_lowers_the_recall() -> None:
    truth = np.zeros(SHAPE)
    truth[2:5, 2:5, 2:5] = truth[12:15, 12:15, 5:8] = 1
    found = np.where(truth > 0, 0.7, 0).astype(np.float32)
    found[12:15] = 0
    rows = rows_of(LesionAP(), [(found, truth)])
    assert rows[0, :5].tolist() == pytest.approx([1, 0.7, 2, 0.7, 1])
    assert LesionAP.statistic(rows) == 0.5


def test_monais_handler_keeps_the_rows() -> None:
    engine = Engine(lambda _, batch: batch)
    IgniteMetricHandler(metric_fn=PicaiScore()).attach(engine, "val_picai_score")
    cases = [patient(number) for number in range(6)]
    engine.run([([torch.as_tensor(found)[None]], [torch.as_tensor(truth)[None]]) for found, truth in cases])
    rows = engine.state.metric_details["val_picai_score"].double().numpy()
    assert engine.state.metrics["val_picai_score"] == PicaiScore.statistic(rows)


def test_another_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="one channel and one grid"):
        PicaiScore()([torch.zeros(1, 4, 4, 4)], [torch.zeros(1, 4, 4, 5)])
