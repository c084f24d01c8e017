"""Form the images of one patient at one site: T2 with its truth, diffusion with ADC, PET."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Array, Canvas, Grid
from fedbundle.phantom.diffusion import calculated, distorted, fitted
from fedbundle.phantom.male_pelvis.organs import bowel
from fedbundle.phantom.male_pelvis.patient import Patient
from fedbundle.phantom.mr_image import Acquisition, magnitude, noisy, receive_field
from fedbundle.phantom.pet_image import PetScan, fine_grid, measured
from fedbundle.phantom.prostate_mripet_lesion.case import Case
from fedbundle.phantom.prostate_mripet_lesion.findings import CANCER
from fedbundle.phantom.prostate_mripet_lesion.paint import render
from fedbundle.phantom.prostate_mripet_lesion.palettes import diffusion_contrast, t2_contrast, uptake_contrast
from fedbundle.phantom.prostate_mripet_lesion.site import DiffusionProtocol
from fedbundle.phantom.texture import Texture

Move = tuple[float, float, float]
SUB_SLICES = 2
NOISE_FLOOR = 3.0
"""Voxels whose first image is below so many standard deviations of its noise have no ADC."""
FRINGE_MM = 10.0
"""Over which the field of rectal gas falls off."""


@dataclass(frozen=True)
class Painter:
    """What all images of a patient share."""

    case: Case
    texture: Texture
    shapes: np.random.SeedSequence

    def t2(self, grid: Grid, acquisition: Acquisition, random: np.random.Generator) -> tuple[Array, NDArray[np.uint8]]:
        """Magnitude and truth, both [slice, row, column]; 1 where cancer takes at least half of the voxel."""
        contrast = t2_contrast(self.case, acquisition)
        image, shares = render(grid, self.case, contrast, self.texture, self.shapes, SUB_SLICES)
        truth = np.zeros(grid.shape, np.uint8)
        for finding, share in zip(self.case.findings, shares, strict=True):
            if finding.kind == CANCER:
                truth[share >= 0.5] = 1
        return magnitude(image, acquisition, random), truth

    def plain_t2(self, grid: Grid, acquisition: Acquisition, random: np.random.Generator) -> Array:
        """Magnitude [slice, row, column] of a series that only keeps the others company."""
        contrast = t2_contrast(self.case, acquisition)
        return magnitude(render(grid, self.case, contrast, self.texture, self.shapes)[0], acquisition, random)

    def diffusion(
        self,
        grid: Grid,
        protocol: DiffusionProtocol,
        motion_mm: tuple[float, float, float],
        random: np.random.Generator,
    ) -> tuple[Array, Array, Array | None]:
        """Images [b-value, slice, row, column], ADC in 1e-6 mm2/s, and the computed image where there is one."""
        acquisition = protocol.acquisition
        contrast = diffusion_contrast(self.case, acquisition, protocol.b_values)
        signal, _ = render(grid, self.case, contrast, self.texture, self.shapes, SUB_SLICES, motion_mm)
        signal = distorted(signal, _gas_shift(grid, self.case.man, protocol.distortion_mm))
        field = receive_field(grid.shape, acquisition.shading, random)
        images = np.stack(
            [
                noisy(each * field, replace(acquisition, noise=acquisition.noise / count**0.5), random)
                for each, count in zip(signal, protocol.averages, strict=True)
            ]
        )
        chosen = [protocol.b_values.index(b) for b in protocol.adc_from]
        floor = NOISE_FLOOR * acquisition.noise / protocol.averages[chosen[0]] ** 0.5
        start, adc = fitted(images[chosen], protocol.adc_from, floor)
        high = None if protocol.calculated_b is None else calculated(start, adc, protocol.calculated_b)
        return images, adc, high

    def pet(self, grid: Grid, scan: PetScan, motion_mm: Move, random: np.random.Generator) -> Array:
        """SUV [slice, row, column] as the scanner shows it."""
        fine = fine_grid(grid)
        contrast = uptake_contrast(self.case)
        uptake, _ = render(fine, self.case, contrast, self.texture, self.shapes, motion_mm=motion_mm)
        return measured(uptake, grid, scan, random)


def _gas_shift(grid: Grid, man: Patient, most_mm: float) -> Array:
    """Shift in rows [slice, row, column] to the front, falling off from the gas in the rectum; a simplification."""
    canvas = Canvas(grid, man.pose, 1)
    block = canvas.block((-400, -400, -400), (400, 400, 400))
    if block is None or man.gas <= 0:
        return np.zeros(grid.shape, np.float32)
    path, radius = bowel(man, block.z)
    wall = np.maximum(np.hypot(block.x, block.y - path) - radius, 0)
    rows_mm = float(np.linalg.norm(grid.affine[:3, 1]))
    return np.asarray(-most_mm * min(1.0, man.gas + 0.3) / rows_mm * np.exp(-wall / FRINGE_MM), np.float32)
