"""Paint one patient in one contrast on one grid, and where his findings lie there."""

from dataclasses import replace

import numpy as np

from fedbundle.phantom.canvas import Array, Block, Canvas, Grid
from fedbundle.phantom.male_pelvis.gland import Zones, gland_frame, paint_gland
from fedbundle.phantom.male_pelvis.pelvis import paint_pelvis
from fedbundle.phantom.prostate_mripet_lesion.case import Case
from fedbundle.phantom.prostate_mripet_lesion.findings import PERIPHERAL, PROSTATITIS, Finding
from fedbundle.phantom.prostate_mripet_lesion.palettes import Contrast
from fedbundle.phantom.texture import Texture

BEYOND_MM = 0.8
"""How far a cancer may push the capsule out, or cross from one zone into the other."""


def render(
    grid: Grid,
    case: Case,
    contrast: Contrast,
    texture: Texture,
    shapes: np.random.SeedSequence,
    samples: int = 1,
    motion_mm: tuple[float, float, float] = (0, 0, 0),
) -> tuple[Array, Array]:
    """Noise-free image of a case, and the share of each voxel that each finding takes.

    Args:
        grid: of the image.
        case: the patient.
        contrast: what his tissues and findings show.
        texture: their grain; the same for all images of a patient.
        shapes: of organs and nodules; the same for all images of a patient.
        samples: sub-slices of a slice on which the gland is painted.
        motion_mm: how far the pelvis has moved, in his own axes.

    Returns:
        float32 [.., slice, row, column] with the contrast's channels first, and [finding, slice, row, column] 0..1.
    """
    step = np.eye(4)
    step[:3, 3] = motion_mm
    man = replace(case.man, pose=case.man.pose @ step)
    random = np.random.default_rng(shapes)
    pelvis = Canvas(grid, man.pose, 1, contrast.channels)
    paint_pelvis(pelvis, man, contrast.tissues, texture, random)
    canvas = Canvas(grid, man.pose, samples, contrast.channels)
    canvas.signal[:] = np.repeat(pelvis.signal, samples, axis=-3)
    zones = paint_gland(canvas, man, contrast.tissues, texture, random)
    shares = np.zeros((len(case.findings), *grid.shape), np.float32)
    for finding, (value, density), share in zip(case.findings, contrast.findings, shares, strict=True):
        found = _share(canvas, zones, case, finding, texture) if zones else None
        if found is None:
            continue
        block, cover = found
        if density > 0:
            canvas.blend(block, cover * density, value)
        whole = np.zeros(canvas.shape, np.float32)
        whole[block.index] = cover
        share[:] = canvas.slices(whole)
    return canvas.slices(), shares


def _share(canvas: Canvas, zones: Zones, case: Case, finding: Finding, texture: Texture) -> tuple[Block, Array] | None:
    """Share of each voxel within a finding, 0..1, in a block of the canvas; None where it lies outside."""
    reach = 1.5 * max(finding.radii) + 2
    part = zones.around(canvas, finding.centre, reach, gland_frame(case.man))
    if part is None or any(side.start >= side.stop for side in part):
        return None
    index = tuple(slice(b.start + p.start, b.start + p.stop) for b, p in zip(zones.block.index, part, strict=True))
    here = Block((index[0], index[1], index[2]), zones.block.x[part], zones.block.y[part], zones.block.z[part])
    distance = _wedge(here, finding) if finding.kind == PROSTATITIS else _ellipsoid(here, finding)
    distance += finding.ragged * min(finding.radii) * texture.coarse(here, zoom=1.5)
    inner = zones.inner[part] if finding.zone != PERIPHERAL else -zones.inner[part]
    inside = np.maximum(zones.outline[part], inner) - BEYOND_MM
    cover = canvas.cover(np.maximum(distance, inside))
    here = replace(here, index=_clipped(here.index, cover.shape))
    return here, cover


def _clipped(index: tuple[slice, ...], shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    levels, rows, columns = (slice(i.start, i.start + size) for i, size in zip(index, shape, strict=True))
    return levels, rows, columns


def _ellipsoid(block: Block, finding: Finding) -> Array:
    """Signed distance in mm, about."""
    axes = np.stack([block.x - finding.centre[0], block.y - finding.centre[1], block.z - finding.centre[2]])
    turned = np.tensordot(finding.turn.T.astype(np.float32), axes, axes=1)
    radii = np.array(finding.radii, np.float32)[:, None, None, None]
    level = ((turned / radii) ** 2).sum(axis=0)
    slope = np.sqrt(((turned / radii**2) ** 2).sum(axis=0)) + 1e-6
    return np.asarray((level - np.sqrt(level)) / slope, np.float32)


def _wedge(block: Block, finding: Finding) -> Array:
    """Signed distance in mm, about, to a sector that opens from the gland's long axis to the capsule."""
    x, y, z = finding.centre
    out = np.hypot(block.x, block.y)
    turn = np.arctan2(block.x, block.y) - np.arctan2(x, y)
    turn = np.abs((turn + np.pi) % (2 * np.pi) - np.pi)
    aside = (turn - finding.radii[0] / max(np.hypot(x, y), 1.0)) * out
    return np.asarray(np.maximum(aside, np.abs(block.z - z) - finding.radii[2]), np.float32)
