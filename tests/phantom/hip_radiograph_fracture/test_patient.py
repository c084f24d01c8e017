"""What is drawn: shares of classes, age and bone, one fresh fracture at most, prevalence that can be changed."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from fedbundle.phantom.hip_radiograph_fracture.patient import ACUTE, NECK, NONE, expected_density, invent
from fedbundle.phantom.hip_radiograph_fracture.sites import SITES


@pytest.mark.parametrize("profile", SITES)
def test_most_hips_are_sound_and_every_class_is_there(profile: str) -> None:
    random = np.random.default_rng(1)
    people = SITES[profile].people
    bodies = [invent(random, people) for _ in range(600)]
    found = Counter(hip.fracture for body in bodies for hip in body.hips)
    assert 0.55 <= found[NONE] / 1200 <= 0.67
    assert set(found) == set(range(6))
    for kind in range(1, 6):
        assert found[kind] / 1200 == pytest.approx(people.fractures[kind], abs=0.045)
    assert not any(all(hip.fracture in ACUTE for hip in body.hips) for body in bodies)


def test_prevalence_is_a_parameter() -> None:
    people = replace(SITES["site-a"].people, fractures=(0, 1, 0, 0, 0, 0))
    hips = [hip.fracture for seed in range(20) for hip in invent(np.random.default_rng(seed), people).hips]
    assert Counter(hips) == {NECK: 20, NONE: 20}  # of two fresh fractures one is taken back


def test_bone_is_lost_with_age_and_faster_by_women() -> None:
    assert expected_density(40, woman=False) == 1
    assert (
        expected_density(80, woman=True) < 0.75 < expected_density(80, woman=False) < expected_density(60, woman=False)
    )
    random = np.random.default_rng(1)
    people = replace(SITES["site-a"].people, age_years=(65, 15))
    bodies = [invent(random, people) for _ in range(300)]
    ages, bones = ([getattr(body, name) for body in bodies] for name in ("age_years", "mineral"))
    assert np.corrcoef(ages, bones)[0, 1] < -0.4


def test_both_hips_of_a_body_are_alike_but_not_the_same() -> None:
    random = np.random.default_rng(1)
    bodies = [invent(random, SITES["site-a"].people) for _ in range(300)]
    right, left = ([body.hips[n].neck_shaft_degrees for body in bodies] for n in (0, 1))
    assert 0.6 < np.corrcoef(right, left)[0, 1] < 0.95
