"""Synthetic MR series as DICOM files (PS3.3 A.4, MR Image IOD)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage

from fedbundle.phantom.canvas import Grid
from fedbundle.phantom.dicom_study import Exam, Machine, series_header, write_instances
from fedbundle.phantom.mr_image import Acquisition
from fedbundle.phantom.slices import add_frame, place


@dataclass(frozen=True)
class Scanner(Machine):
    """An MR machine and how its vendor fills the header."""

    bits: int
    slope: float | None
    """Rescale Slope (0028,1053); None = the vendor writes none."""
    image_type: tuple[str, ...]
    sequence_name: str
    variant: tuple[str, ...]


@dataclass(frozen=True)
class Series:
    """One series of an exam; `grids` holds one grid, or one grid a slice where the orientation changes."""

    number: int
    start_s: int
    """Seconds after the start of the exam."""
    description: str
    acquisition: Acquisition
    grids: tuple[Grid, ...]
    image_type: tuple[str, ...] | None = None
    reverse_numbers: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)


def write_series(
    folder: Path,
    exam: Exam,
    scanner: Scanner,
    series: Series,
    stored: NDArray[np.uint16],
    volumes: Sequence[Dataset] = (Dataset(),),
) -> int:
    """Write `stored` [slice, row, column] as `<instance number>.dcm`; returns the number of files.

    `volumes` are elements of their own for each of several volumes at the same places, such as b-values; the slices
    of the first volume come first.
    """
    header = _header(exam, scanner, series)
    low, high = (round(float(value)) for value in np.percentile(stored[:, ::4, ::4], (1, 99)))
    header.WindowCenter, header.WindowWidth = str((low + high) // 2), str(max(high - low, 1))
    return write_instances(folder, header, _instances(exam, series, stored, volumes))


def _instances(exam: Exam, series: Series, stored: NDArray[np.uint16], volumes: Sequence[Dataset]) -> Iterator[Dataset]:
    slices = len(stored) // len(volumes)
    for order, pixels in enumerate(stored):
        number = len(stored) - order if series.reverse_numbers else order + 1
        index = order % slices
        own = Dataset()
        own.update(volumes[order // slices])
        own.SOPInstanceUID = exam.uid(series.number, number)
        own.ContentTime = own.AcquisitionTime = exam.clock(series.start_s + number)
        own.InstanceNumber = number
        place(own, series.grids[index % len(series.grids)], index // len(series.grids))
        own.add_new("PixelData", "OW", pixels.tobytes())
        yield own


def _header(exam: Exam, scanner: Scanner, series: Series) -> Dataset:
    acquisition, grid = series.acquisition, series.grids[0]
    d = series_header(exam, scanner, "MR", MRImageStorage, series.number, series.start_s)
    add_frame(d, exam)
    d.PatientPosition = "FFS"
    d.BitsAllocated, d.BitsStored, d.HighBit = 16, scanner.bits, scanner.bits - 1
    d.SamplesPerPixel, d.PhotometricInterpretation, d.PixelRepresentation = 1, "MONOCHROME2", 0
    if scanner.slope is not None:
        d.RescaleIntercept, d.RescaleSlope, d.RescaleType = "0", f"{scanner.slope:.9g}", "US"
    d.Rows, d.Columns = grid.shape[1:]
    d.SeriesDescription = d.ProtocolName = series.description
    d.ImageType = list(series.image_type or scanner.image_type)
    d.AcquisitionNumber = 1
    d.ScanningSequence, d.SequenceVariant, d.ScanOptions = "SE", list(scanner.variant), ""
    d.SequenceName, d.MRAcquisitionType, d.AngioFlag = scanner.sequence_name, "2D", "N"
    d.RepetitionTime, d.EchoTime = f"{acquisition.repetition_ms:g}", f"{acquisition.echo_ms:g}"
    d.EchoTrainLength, d.EchoNumbers, d.FlipAngle, d.NumberOfAverages = 25, 1, "150", "2"
    d.MagneticFieldStrength = f"{acquisition.field_tesla:g}"
    d.ImagingFrequency, d.ImagedNucleus = f"{acquisition.field_tesla * 42.577:.3f}", "1H"
    d.PixelBandwidth, d.PercentSampling = "200", f"{100 * acquisition.resolution:g}"
    d.AcquisitionMatrix = [0, grid.shape[1], grid.shape[2], 0]
    d.InPlanePhaseEncodingDirection = "ROW"
    d.SliceThickness = f"{grid.thickness_mm:g}"
    d.SpacingBetweenSlices = f"{np.linalg.norm(grid.affine[:3, 2]):.6g}"
    for keyword, value in series.extra.items():
        setattr(d, keyword, value)
    return d
