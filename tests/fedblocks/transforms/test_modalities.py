"""Modalities become channels with their presence; some are dropped in training, never all."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from fedblocks.transforms.modalities import RandModalityDropoutd, RandModalityIntensityd, StackModalitiesd

KEYS = ["t2", "adc", "hbv", "pet"]


def image(value: float, shift: float = 0.0, size: int = 4) -> MetaTensor:
    affine = torch.eye(4)
    affine[0, 3] = shift
    return MetaTensor(torch.full((1, size, 4, 3), value), affine=affine)


def stacked(pet: bool) -> torch.Tensor:
    item = {key: image(number + 1.0) for number, key in enumerate(KEYS) if pet or key != "pet"}
    made: torch.Tensor = StackModalitiesd(KEYS)(item)["image"]
    return made


@pytest.mark.parametrize("pet", [True, False])
def test_images_come_first_and_their_presence_after_them(pet: bool) -> None:
    made = stacked(pet)
    assert isinstance(made, MetaTensor)
    assert made.mean(dim=(1, 2, 3)).tolist() == [1, 2, 3, 4 * pet, 1, 1, 1, pet]


def test_the_images_leave_the_item_and_the_rest_stays() -> None:
    item = StackModalitiesd(KEYS)({"t2": image(1), "pet": None, "label": image(0), "case": "x"})
    assert set(item) == {"image", "label", "case"}
    assert item["image"][4:].mean(dim=(1, 2, 3)).tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("wrong", [image(1, shift=2.0), image(1, size=5)])
def test_another_grid_is_refused(wrong: MetaTensor) -> None:
    with pytest.raises(ValueError, match="adc must lie on the grid of t2"):
        StackModalitiesd(KEYS)({"t2": image(1), "adc": wrong})


def test_the_first_modality_is_needed() -> None:
    with pytest.raises(ValueError, match="t2 must be in every item"):
        StackModalitiesd(KEYS)({"adc": image(1)})


def test_modalities_are_dropped_as_often_as_asked_and_never_all() -> None:
    drop = RandModalityDropoutd("image", [0.5, 0.0, 0.2, 0.8]).set_random_state(0)
    kept = np.array([np.asarray(drop({"image": stacked(True)})["image"][4:].amax(dim=(1, 2, 3))) for _ in range(400)])
    assert 1 - kept.mean(axis=0) == pytest.approx([0.5, 0, 0.2, 0.8], abs=0.07)
    all_of_them = RandModalityDropoutd("image", [1.0] * 4).set_random_state(0)
    for pet in (True, False):
        left = [all_of_them({"image": stacked(pet)})["image"] for _ in range(50)]
        assert all(each[4:].amax(dim=(1, 2, 3)).sum() == 1 for each in left)
        assert all(torch.equal(each[:4] > 0, each[4:] > 0) for each in left)
        assert {int(each[4:].amax(dim=(1, 2, 3)).argmax()) for each in left} == set(range(3 + pet))


def test_the_cached_tensor_is_not_changed() -> None:
    cached = stacked(True)
    before = cached.clone()
    RandModalityDropoutd("image", [0, 1, 0, 1])({"image": cached})
    RandModalityIntensityd("image", [0, 2], prob=1.0)({"image": cached})
    assert torch.equal(cached, before)


def test_intensities_change_where_a_modality_is_there() -> None:
    change = RandModalityIntensityd("image", [0, 3], prob=1.0).set_random_state(0)
    with_pet, without = (change({"image": stacked(pet)})["image"] for pet in (True, False))
    assert torch.equal(with_pet[[1, 2, 4, 5, 6, 7]], stacked(True)[[1, 2, 4, 5, 6, 7]])
    assert not torch.isclose(with_pet[[0, 3]], stacked(True)[[0, 3]]).any()
    assert torch.equal(without[3], torch.zeros_like(without[3]))
    again = RandModalityIntensityd("image", [0, 3], prob=1.0).set_random_state(0)
    assert torch.equal(again({"image": stacked(True)})["image"], with_pet)
