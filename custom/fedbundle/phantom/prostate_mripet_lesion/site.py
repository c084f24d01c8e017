"""What makes one hospital different from the next: a parameter each, to be replaced one at a time.

`dataclasses.replace(site, population=replace(site.population, prevalence=0.5))` is a hospital of one's own, and
`study.write_study` takes it.
"""

from dataclasses import dataclass

from fedbundle.phantom.mr_dicom import Scanner
from fedbundle.phantom.mr_image import Acquisition
from fedbundle.phantom.pet_image import PetScan
from fedbundle.phantom.prostate_mripet_lesion.population import Population
from fedbundle.phantom.prostate_mripet_lesion.tracers import Tracer


@dataclass(frozen=True)
class Stack:
    """Where the transverse slices of a series lie: square matrix, contiguous or with a gap; lengths in mm."""

    matrix: int
    pixel_mm: float
    slices: int
    thickness_mm: float
    spacing_mm: float
    tilt_degrees: tuple[float, float] = (0, 0)
    """Range of the tilt about the left-right axis; (0, 0) = straight."""


@dataclass(frozen=True)
class DiffusionProtocol:
    """Echo-planar series with several b-values, the ADC map, and perhaps a computed high b."""

    stack: Stack
    acquisition: Acquisition
    """Its noise is that of one average; its resolution that of the echo train."""
    b_values: tuple[float, ...]
    """Measured, in s/mm2, rising; how high they are moves the ADC (kurtosis), whether b = 0 is among them too."""
    averages: tuple[int, ...]
    """Of each b-value; more of them make less noise."""
    adc_from: tuple[float, ...]
    """Those from which the scanner fits ADC."""
    calculated_b: float | None
    """b-value of the image that the scanner computes from its fit; None = it computes none."""
    encoding: str
    """How the vendor writes the b-value: a name of `b_value_dicom.ENCODINGS`."""
    one_series: bool
    """All b-values in one series, or each in its own."""
    distortion_mm: float
    """Shift of the signal at the wall of a rectum full of gas."""
    names: tuple[str, str, str]
    """Series Description of diffusion, ADC map, computed image."""
    types: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    """Image Type of them."""


@dataclass(frozen=True)
class PetProtocol:
    """One bed of a hybrid scanner over the pelvis, in the frame of reference of the MR."""

    tracer: Tracer
    share: float
    """Patients who get it, 0..1."""
    stack: Stack
    scan: PetScan
    name: str
    reconstruction: str


@dataclass(frozen=True)
class Site:
    """A hospital: its scanner and protocols, and its patients."""

    scanner: Scanner
    population: Population
    t2: Acquisition
    """Field, timing, coil shading, noise and resolution of the transverse T2."""
    stack: Stack
    """Of the transverse T2, on which the truth is drawn."""
    diffusion: DiffusionProtocol
    pet: PetProtocol | None
    motion_mm: float
    """Standard deviation, per axis, of how far the gland moves between T2 and another series."""
    gain: float
    """Stored value of free water before the rescale slope, about."""
    study: str
    localizer: str
    localizer_type: tuple[str, ...]
    sagittal: str
    transverse: str
    first_number: int
    reverse_numbers: bool
    given_names: tuple[str, ...]
