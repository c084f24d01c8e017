"""Known truth shows as it must in every contrast: cancer, what looks like it, and uptake of known size."""

from dataclasses import replace

import numpy as np
import pytest

from fedbundle.phantom.canvas import Array
from fedbundle.phantom.male_pelvis.mobility import MOBILITY
from fedbundle.phantom.male_pelvis.patient import invent
from fedbundle.phantom.male_pelvis.tissues import TISSUES
from fedbundle.phantom.prostate_mripet_lesion.case import NATIVE, Case
from fedbundle.phantom.prostate_mripet_lesion.findings import PERIPHERAL, TRANSITION, Finding
from fedbundle.phantom.prostate_mripet_lesion.images import Painter
from fedbundle.phantom.prostate_mripet_lesion.paint import render
from fedbundle.phantom.prostate_mripet_lesion.palettes import t2_contrast, uptake_contrast
from fedbundle.phantom.prostate_mripet_lesion.place import draw_centre, facing
from fedbundle.phantom.prostate_mripet_lesion.sites import SITES
from fedbundle.phantom.prostate_mripet_lesion.tracers import PSMA_11, PSMA_1007
from fedbundle.phantom.slices import TRANSVERSE, centred
from fedbundle.phantom.texture import Texture

SITE = SITES["site-a"]
SHAPES = np.random.SeedSequence(4)
STEADY = (0.0, 0.0, 0.0)


def with_finding(kind: str, zone: str = PERIPHERAL, uptake: float = 0.0, seed: int = 2, half: float = 8.0) -> Case:
    """A usual man with one dense finding and nothing else."""
    random = np.random.default_rng(seed)
    man = replace(invent(random), gas=0.0)
    centre = draw_centre(man, zone, 0.5 * half, random)
    finding = Finding(kind, zone, centre, (half, 0.8 * half, half), facing(centre), 0.95, uptake, 0.1)
    usual = dict.fromkeys(NATIVE, 1.0)
    return Case(man, (finding,), usual, usual, PSMA_11, 1.0, 30.0)


def painter(case: Case) -> Painter:
    """Of that case."""
    return Painter(case, Texture(np.random.default_rng(5)), SHAPES)


def means(case: Case) -> tuple[dict[str, float], dict[str, float]]:
    """T2, ADC and high-b signal in the finding and in the tissue of its zone around it, all on the diffusion grid."""
    stack = SITE.diffusion.stack
    grid = centred((stack.slices, stack.matrix, stack.matrix), 2.0, 3.0, 3.0, TRANSVERSE, case.man.pose[:3, 3])
    still = replace(SITE.diffusion, distortion_mm=0.0)
    images, adc, _ = painter(case).diffusion(grid, still, STEADY, np.random.default_rng(0))
    t2 = painter(case).plain_t2(grid, SITE.t2, np.random.default_rng(0))
    _, share = render(grid, case, t2_contrast(case, SITE.t2), painter(case).texture, SHAPES, 2)
    inside = share[0] > 0.9
    wide = replace(case.findings[0], radii=tuple(1.7 * r for r in case.findings[0].radii))
    _, beside = render(
        grid, replace(case, findings=(wide,)), t2_contrast(case, SITE.t2), painter(case).texture, SHAPES, 2
    )
    around = (beside[0] > 0.9) & (share[0] < 0.02)
    fields: dict[str, Array] = {"t2": t2, "adc": adc, "high b": images[-1]}
    assert inside.sum() > 20
    assert around.sum() > 20
    return tuple({name: float(field[where].mean()) for name, field in fields.items()} for where in (inside, around))


@pytest.mark.parametrize("zone", [PERIPHERAL, TRANSITION])
def test_cancer_is_dark_on_t2_and_adc_and_bright_on_high_b(zone: str) -> None:
    inside, around = means(with_finding("cancer", zone))
    assert inside["t2"] < 0.85 * around["t2"]
    assert 600 < inside["adc"] < 1000 < 1150 < around["adc"] < 1700
    assert inside["high b"] > 1.25 * around["high b"]


def test_haemorrhage_is_dark_on_t2_but_not_bright_on_high_b() -> None:
    inside, around = means(with_finding("haemorrhage"))
    assert inside["t2"] < 0.7 * around["t2"]
    assert 950 < inside["adc"] < 0.85 * around["adc"]
    assert inside["high b"] < 1.1 * around["high b"]


def test_prostatitis_is_a_milder_change_than_cancer() -> None:
    mild, _ = means(with_finding("prostatitis"))
    plain, _ = means(with_finding("cancer"))
    assert plain["t2"] < mild["t2"]
    assert plain["adc"] + 200 < mild["adc"] < 1400


def suv(case: Case, noise: float = 0.0) -> tuple[Array, Array]:
    """PET of a case, and the share of the finding in each voxel."""
    grid = centred((44, 48, 48), 4.17252, 2.03125, 2.03125, TRANSVERSE, case.man.pose[:3, 3])
    assert SITE.pet
    seen = painter(case).pet(grid, replace(SITE.pet.scan, noise=noise), STEADY, np.random.default_rng(0))
    return seen, render(grid, case, uptake_contrast(case), painter(case).texture, SHAPES)[1][0]


def test_large_cancers_show_the_uptake_that_was_drawn_and_small_ones_less() -> None:
    large, small = with_finding("cancer", uptake=12.0, half=12.0), with_finding("cancer", uptake=12.0, half=3.5)
    seen, share = suv(large)
    assert seen[share > 0.5].max() == pytest.approx(12.0, rel=0.12)
    seen, share = suv(small)
    assert 3.0 < seen[share > 0.2].max() < 9.5


def test_cancer_without_psma_and_haemorrhage_show_nothing() -> None:
    usual = PSMA_11.uptake["peripheral"]
    seen, share = suv(with_finding("cancer", uptake=0.0))
    assert seen[share > 0.8].mean() < 1.6 * usual
    seen, share = suv(with_finding("haemorrhage", uptake=0.7 * usual))
    assert seen[share > 0.8].mean() < usual


def test_the_bladder_is_hot_with_gallium_and_not_with_psma_1007() -> None:
    hot = with_finding("cancer", uptake=12.0)
    assert suv(hot)[0].max() > 25
    cool = replace(hot, tracer=PSMA_1007, urine=3.5)
    assert suv(cool)[0].max() < 15


def test_every_tissue_has_relaxation_mobility_and_uptake() -> None:
    assert set(TISSUES) == set(MOBILITY)
    for tracer in (PSMA_11, PSMA_1007):
        assert set(TISSUES) == {*tracer.uptake, "urine"}
