"""Slices are drawn from where the brain is, placed anew each by itself, and come out of a loader as one batch."""

import torch
from monai.data import CacheDataset, DataLoader
from monai.transforms import Compose, CopyItemsd

from fedblocks.transforms.slices import RandPosed, RandSlicesd, SlicesApartd


def volume(brain: slice) -> torch.Tensor:
    """A brain in some slices, each with its number + 1 as grey value."""
    image = torch.zeros((1, 24, 32, 12))
    image[:, 6:18, 8:24, brain] = torch.arange(1.0, 13)[brain]
    return image


def test_slices_with_brain_are_drawn_once_as_long_as_there_are_enough() -> None:
    drawn = RandSlicesd("image", 6).set_random_state(seed=1)({"image": volume(slice(3, 9))})["image"]
    assert drawn.shape == (6, 1, 24, 32)
    assert sorted(drawn.amax(dim=(1, 2, 3)).tolist()) == [4, 5, 6, 7, 8, 9]
    few = RandSlicesd("image", 6).set_random_state(seed=1)({"image": volume(slice(3, 5))})["image"]
    assert set(few.amax(dim=(1, 2, 3)).tolist()) <= {4, 5}
    assert RandSlicesd("image", 3)({"image": volume(slice(0, 0))})["image"].shape == (3, 1, 24, 32)


def test_a_pose_turns_flips_and_shifts_by_pixels() -> None:
    stack = torch.zeros((1, 1, 24, 32))
    stack[..., 4, 10] = 1
    flipped = RandPosed("image", flip=1.0, prob=0.0)({"image": stack})["image"]
    assert flipped[0, 0, 19, 10] == 1
    assert torch.allclose(RandPosed("image", flip=0.0, prob=1.0)({"image": stack})["image"], stack, atol=1e-4)
    shifted = RandPosed("image", flip=0.0, prob=1.0, shift=3).set_random_state(seed=2)({"image": stack})["image"][0, 0]
    places = torch.stack(torch.meshgrid(torch.arange(24), torch.arange(32), indexing="ij"), dim=-1)
    centre = (shifted[..., None] * places).sum(dim=(0, 1))
    assert 0.1 < float((centre - torch.tensor([4.0, 10.0])).abs().max()) <= 3


def test_a_turned_square_keeps_its_sides() -> None:
    stack = torch.zeros((1, 1, 40, 64))
    stack[..., 12:28, 24:40] = 1
    turned = RandPosed("image", flip=0.0, prob=1.0, turn=0.8).set_random_state(seed=5)({"image": stack})["image"][0, 0]
    assert abs(float(turned.sum()) - 256) < 8
    spread = [float(((turned > 0.5).any(dim=axis)).sum()) for axis in (0, 1)]
    assert abs(spread[0] - spread[1]) <= 1 < spread[0] - 16


def test_each_slice_has_a_pose_of_its_own_and_a_seed_gives_it_again() -> None:
    stack = volume(slice(0, 12)).permute(3, 0, 1, 2)[5:6].expand(4, -1, -1, -1)
    transform = RandPosed("image", flip=0.5, prob=1.0, turn=0.3, shift=4, size=0.2)
    first, again = (transform.set_random_state(seed=3)({"image": stack})["image"] for _ in range(2))
    assert torch.equal(first, again)
    assert len({float(each.sum()) for each in first}) == 4
    areas = (first > 3).flatten(1).sum(dim=1) / (stack > 3).flatten(1).sum(dim=1)
    assert bool(((areas > 0.6) & (areas < 1.6)).all())


def test_a_loader_joins_the_slices_of_all_scans() -> None:
    steps = [RandSlicesd("image", 4), CopyItemsd("image", names="label"), SlicesApartd(["image", "label"])]
    items = [{"image": volume(slice(3, 9)), "case": str(number)} for number in range(3)]
    batch = next(iter(DataLoader(CacheDataset(items, Compose(steps), progress=False), batch_size=3)))
    assert batch["image"].shape == (12, 1, 24, 32)
    assert torch.equal(batch["image"], batch["label"])
    assert set(batch) == {"image", "label"}
