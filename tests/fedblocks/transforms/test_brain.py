"""Scale of grey values inside the brain, and noise that is to be taken back."""

import numpy as np
import torch

from fedblocks.transforms.brain import RandCoarseNoised, ScaleBraind


def test_the_percentile_is_of_the_brain_alone_and_gains_do_not_matter() -> None:
    image = torch.zeros((1, 20, 20, 4))
    image[:, 5:15, 5:15] = torch.linspace(1, 400, 400).reshape(10, 10, 4)
    scaled = ScaleBraind("image")({"image": image * 3})["image"]
    expected = np.percentile(np.arange(1, 401), 99)
    assert abs(float(scaled.max()) - 400 / expected) < 0.01
    assert torch.equal(scaled > 0, image > 0.02 * expected)
    assert torch.allclose(scaled, ScaleBraind("image")({"image": image * 0.01})["image"])
    assert not ScaleBraind("image")({"image": torch.zeros((1, 4, 4, 4))})["image"].any()


def test_noise_stays_in_the_brain_differs_by_slice_and_is_the_same_for_the_same_seed() -> None:
    stack = torch.zeros((2, 1, 32, 24))
    stack[:, :, 8:24, 8:20] = 0.5
    transform = RandCoarseNoised("image", std=1.0, cells=8)
    first, again = (transform.set_random_state(seed=9)({"image": stack})["image"] for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(first > 0, stack > 0)
    assert float((first - stack).abs().amax(dim=(1, 2, 3)).min()) > 0.02
    assert not torch.equal(first[0], first[1])
