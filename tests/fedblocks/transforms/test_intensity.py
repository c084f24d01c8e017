"""Grey values of different scanners come on one scale."""

import pytest
import torch

from fedblocks.transforms.intensity import LogUptaked, MedianRatiod


def test_gain_does_not_matter_and_a_lesion_keeps_its_distance() -> None:
    image = torch.rand(1, 8, 8, 4) + 0.5
    scale = MedianRatiod("hbv")
    plain = scale({"hbv": image})["hbv"]
    assert torch.allclose(plain, scale({"hbv": image * 700})["hbv"], atol=1e-5)
    bright = image.clone()
    bright[0, 0, 0] = 2 * image.median()
    assert torch.allclose(scale({"hbv": bright})["hbv"][0, 0, 0], torch.tensor(1.0), atol=0.1)


def test_an_empty_image_stays_finite() -> None:
    assert torch.equal(MedianRatiod("hbv")({"hbv": torch.zeros(1, 4, 4, 4)})["hbv"], -torch.ones(1, 4, 4, 4))


def test_uptake_is_absolute() -> None:
    suv = torch.tensor([[-0.5, 0.0, 1.0, 10.0, 100.0]])
    assert LogUptaked("pet")({"pet": suv})["pet"][0].tolist() == pytest.approx([0, 0, 0.289, 1.0, 1.925], abs=1e-3)
    assert LogUptaked("pet", allow_missing_keys=True)({"t2": 1}) == {"t2": 1}
