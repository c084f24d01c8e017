"""The series of one examination, formed and written in the order in which the scanner made them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from fedbundle.phantom.b_value_dicom import ENCODINGS
from fedbundle.phantom.canvas import Array, Grid, rotation
from fedbundle.phantom.dicom_study import Exam, plain
from fedbundle.phantom.label_map import write_label_map
from fedbundle.phantom.mr_dicom import Series, write_series
from fedbundle.phantom.mr_image import Acquisition, stored
from fedbundle.phantom.prostate_mripet_lesion.images import Painter
from fedbundle.phantom.prostate_mripet_lesion.site import PetProtocol, Site, Stack
from fedbundle.phantom.pt_dicom import Injection, PetSeries, write_pet
from fedbundle.phantom.slices import CORONAL, SAGITTAL, TRANSVERSE, centred

START_S = {
    "localizer": 60,
    "sagittal": 180,
    "transverse": 420,
    "diffusion": 780,
    "adc": 785,
    "computed": 786,
    "pet": 960,
}
"""Of each series after the start of the exam; PET runs beside the MR."""
PET_SECONDS = 900
GRADIENT_ECHO: Mapping[str, object] = {
    "ScanningSequence": "GR",
    "SequenceVariant": "SP",
    "EchoTrainLength": 1,
    "FlipAngle": "20",
}
ECHO_PLANAR: Mapping[str, object] = {
    "ScanningSequence": "EP",
    "SequenceVariant": "SK",
    "ScanOptions": "FS",
    "SequenceName": "ep2d_diff",
    "EchoTrainLength": 1,
    "FlipAngle": "90",
}


@dataclass
class Examination:
    """Writes below `folder`, a new folder for each series; every method returns the number of files."""

    folder: Path
    exam: Exam
    site: Site
    painter: Painter
    centre: NDArray[np.float64]
    """Of the volumes, LPS mm."""
    gain: float
    random: np.random.Generator
    last: int = 0

    def decoys(self) -> int:
        """Three-plane localizer and a short sagittal T2: what a gate must not take."""
        site = self.site
        scout = Acquisition(site.t2.field_tesla, 900, 60, shading=0.3, noise=0.03, resolution=0.9)
        planes = tuple(centred((1, 48, 48), 6.0, 8, 8, plane, self.centre) for plane in (TRANSVERSE, SAGITTAL, CORONAL))
        images = np.concatenate([self.painter.plain_t2(grid, scout, self.random) for grid in planes])
        localizer = Series(
            self._number(),
            START_S["localizer"],
            site.localizer,
            scout,
            planes,
            site.localizer_type,
            extra=GRADIENT_ECHO,
        )
        side = centred((7, 80, 80), 2.0, 4, 6, SAGITTAL, self.centre)
        sagittal = Series(self._number(), START_S["sagittal"], site.sagittal, site.t2, (side,))
        return self._mr(localizer, images) + self._mr(sagittal, self.painter.plain_t2(side, site.t2, self.random))

    def transverse(self, truth: Path) -> int:
        """The T2 on whose grid the truth lies, and the truth."""
        site = self.site
        grid = self._grid(site.stack)
        image, labels = self.painter.t2(grid, site.t2, self.random)
        write_label_map(truth, labels, grid)
        series = Series(
            self._number(),
            START_S["transverse"],
            site.transverse,
            site.t2,
            (grid,),
            reverse_numbers=site.reverse_numbers,
        )
        return self._mr(series, image)

    def diffusion(self) -> int:
        """Diffusion in one series or one for each b-value, ADC map, and the computed image where there is one."""
        protocol = self.site.diffusion
        grid = self._grid(protocol.stack)
        images, adc, high = self.painter.diffusion(grid, protocol, self._motion(), self.random)
        encode = ENCODINGS[protocol.encoding]
        told = [encode(b) for b in protocol.b_values]
        groups = [list(range(len(told)))] if protocol.one_series else [[each] for each in range(len(told))]
        files = 0
        for group in groups:
            name = protocol.names[0] + ("" if protocol.one_series else f"_b{protocol.b_values[group[0]]:g}")
            series = self._echo_planar("diffusion", name, grid, protocol.types[0])
            files += self._mr(series, np.concatenate(images[group]), [told[each] for each in group])
        series = self._echo_planar("adc", protocol.names[1], grid, protocol.types[1])
        files += self._mr(series, adc, gain=1 / (self.site.scanner.slope or 1))
        if high is not None and protocol.calculated_b is not None:
            series = self._echo_planar("computed", protocol.names[2], grid, protocol.types[2])
            files += self._mr(series, high, [encode(protocol.calculated_b)])
        return files

    def pet(self, protocol: PetProtocol) -> int:
        """One bed in the frame of reference of the MR."""
        grid = self._grid(protocol.stack)
        suv = self.painter.pet(grid, protocol.scan, self._motion(), self.random)
        tracer = protocol.tracer
        dose = tracer.dose_mbq_kg * 1e6 * self.exam.person.weight_kg * self.random.uniform(0.85, 1.15)
        before = tracer.before_s + self.random.uniform(-600, 900)
        injection = Injection(tracer.name, tracer.nuclide, dose, round(before))
        number = self._number()
        series = PetSeries(number, START_S["pet"], protocol.name, grid, injection, PET_SECONDS, protocol.reconstruction)
        return write_pet(self._place(number, protocol.name), self.exam, self.site.scanner, series, suv)

    def _number(self) -> int:
        first = self.site.first_number
        self.last = self.last + (1 if first < 100 else 100) if self.last else first
        return self.last

    def _place(self, number: int, name: str) -> Path:
        return self.folder / f"{number:04}_{plain(name)}"

    def _grid(self, stack: Stack) -> Grid:
        oblique = stack.tilt_degrees[1] > 0
        turn = rotation(self.random.uniform(*stack.tilt_degrees), *(oblique * self.random.normal(0, 1.5, size=2)))
        shape = (stack.slices, stack.matrix, stack.matrix)
        return centred(shape, stack.pixel_mm, stack.thickness_mm, stack.spacing_mm, turn, self.centre)

    def _motion(self) -> tuple[float, float, float]:
        x, y, z = self.random.normal(0, self.site.motion_mm, size=3)
        return float(x), float(y), float(z)

    def _echo_planar(self, kind: str, name: str, grid: Grid, image_type: tuple[str, ...]) -> Series:
        acquisition, backwards = self.site.diffusion.acquisition, self.site.reverse_numbers
        return Series(
            self._number(), START_S[kind], name, acquisition, (grid,), image_type, backwards, extra=ECHO_PLANAR
        )

    def _mr(self, series: Series, image: Array, volumes: list[Dataset] | None = None, gain: float | None = None) -> int:
        pixels = stored(image, self.gain if gain is None else gain, self.site.scanner.bits)
        place = self._place(series.number, series.description)
        return write_series(place, self.exam, self.site.scanner, series, pixels, volumes or [Dataset()])
