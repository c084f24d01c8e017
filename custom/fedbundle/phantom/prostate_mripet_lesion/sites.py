"""What makes one hospital different from the next: a parameter each, to be replaced one at a time.

`dataclasses.replace(SITES["site-a"], population=replace(SITES["site-a"].population, prevalence=0.5))` is a hospital
of one's own; `write_study` takes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fedbundle.phantom.mr_dicom import Scanner
from fedbundle.phantom.mr_image import Acquisition
from fedbundle.phantom.pet_image import PetScan
from fedbundle.phantom.prostate_mripet_lesion.population import Population
from fedbundle.phantom.prostate_mripet_lesion.scanners import INGENIA, MMR, OPTIMA, SIGNA, UPMR
from fedbundle.phantom.prostate_mripet_lesion.tracers import PSMA_11, PSMA_1007, Tracer


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


SITES: Mapping[str, Site] = {
    "site-a": Site(
        scanner=MMR,
        population=Population(),
        t2=Acquisition(3.0, 5200, 101, shading=0.30, noise=0.012, resolution=0.9),
        stack=Stack(160, 1.0, 20, 3.0, 3.0),
        diffusion=DiffusionProtocol(
            stack=Stack(80, 2.0, 20, 3.0, 3.0),
            acquisition=Acquisition(3.0, 5000, 70, shading=0.30, noise=0.045, resolution=0.9),
            b_values=(50, 400, 1000),
            averages=(4, 6, 16),
            adc_from=(50, 400, 1000),
            calculated_b=1500,
            encoding="siemens",
            one_series=True,
            distortion_mm=2.5,
            names=("ep2d_diff_tra", "ep2d_diff_tra_ADC", "ep2d_diff_tra_CALC_BVAL"),
            types=(
                ("DERIVED", "PRIMARY", "DIFFUSION", "TRACEW", "ND", "DIS2D"),
                ("DERIVED", "PRIMARY", "DIFFUSION", "ADC", "ND", "DIS2D"),
                ("DERIVED", "PRIMARY", "DIFFUSION", "TRACEW", "ND", "DIS2D"),
            ),
        ),
        pet=PetProtocol(
            tracer=PSMA_11,
            share=1.0,
            stack=Stack(48, 4.17252, 44, 2.03125, 2.03125),
            scan=PetScan(resolution_mm=5.5, noise=0.28),
            name="PSMA PET pelvis MRAC",
            reconstruction="OP-OSEM3i21s",
        ),
        motion_mm=0.6,
        gain=900,
        study="PET-MR Prostata PSMA",
        localizer="localizer",
        localizer_type=("ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"),
        sagittal="t2_tse_sag",
        transverse="t2_tse_tra",
        first_number=1,
        reverse_numbers=False,
        given_names=("Ola", "Kåre", "Øyvind", "Bjørn", "Håkon", "Einar", "Sverre", "Arne"),
    ),
    "site-b": Site(
        scanner=INGENIA,
        population=Population(prevalence=0.28, transition=0.38, diameter_mm=11.5, density=(0.50, 1.0)),
        t2=Acquisition(3.0, 4400, 115, shading=0.50, noise=0.015, resolution=0.85),
        stack=Stack(160, 0.95, 18, 3.0, 3.3, tilt_degrees=(6, 13)),
        diffusion=DiffusionProtocol(
            stack=Stack(72, 2.2, 18, 3.0, 3.3),
            acquisition=Acquisition(3.0, 4200, 82, shading=0.50, noise=0.050, resolution=0.85),
            b_values=(0, 500, 1400),
            averages=(2, 4, 16),
            adc_from=(0, 500, 1400),
            calculated_b=None,
            encoding="philips",
            one_series=True,
            distortion_mm=3.5,
            names=("DWI 0-500-1400", "dADC", ""),
            types=(
                ("ORIGINAL", "PRIMARY", "DIFFUSION", "M", "SE"),
                ("DERIVED", "PRIMARY", "ADC", "ADC", "UNSPECIFIED"),
                (),
            ),
        ),
        pet=None,
        motion_mm=0.8,
        gain=2600,
        study="MRI prostaat",
        localizer="Survey",
        localizer_type=("ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"),
        sagittal="T2W_TSE_sag",
        transverse="T2W_TSE_ax",
        first_number=101,
        reverse_numbers=False,
        given_names=("Willem", "Joost", "Sjoerd", "Hendrik", "René", "Maarten", "Dirk", "Bas"),
    ),
    "site-c": Site(
        scanner=OPTIMA,
        population=Population(prevalence=0.35, transition=0.20, diameter_mm=15.0, haemorrhage=0.32),
        t2=Acquisition(1.5, 4000, 92, shading=0.65, noise=0.022, resolution=0.8),
        stack=Stack(144, 1.1, 17, 3.5, 3.85),
        diffusion=DiffusionProtocol(
            stack=Stack(64, 2.5, 17, 3.5, 3.85),
            acquisition=Acquisition(1.5, 6000, 74, shading=0.65, noise=0.075, resolution=0.8),
            b_values=(50, 800),
            averages=(4, 12),
            adc_from=(50, 800),
            calculated_b=None,
            encoding="ge",
            one_series=True,
            distortion_mm=1.5,
            names=("Ax DWI b50 b800", "Apparent Diffusion Coefficient (mm2/s)", ""),
            types=(
                ("ORIGINAL", "PRIMARY", "OTHER"),
                ("DERIVED", "SECONDARY", "PROCESSED", "ADC"),
                (),
            ),
        ),
        pet=None,
        motion_mm=1.0,
        gain=5200,
        study="MRI PROSTATE W/O CONTRAST",
        localizer="3-Plane Loc",
        localizer_type=("ORIGINAL", "PRIMARY", "LOCALIZER"),
        sagittal="Sag T2 FRFSE",
        transverse="Ax T2 FRFSE",
        first_number=1,
        reverse_numbers=True,
        given_names=("John", "Émile", "Walter", "Hugh", "Martin", "Conor", "André", "George"),
    ),
    "site-d": Site(
        scanner=SIGNA,
        population=Population(prevalence=0.30, transition=0.30, diameter_mm=12.5, indolent=0.30),
        t2=Acquisition(3.0, 3800, 88, shading=0.45, noise=0.014, resolution=0.9),
        stack=Stack(168, 0.9, 20, 3.0, 3.0),
        diffusion=DiffusionProtocol(
            stack=Stack(80, 2.0, 20, 3.0, 3.0),
            acquisition=Acquisition(3.0, 4800, 66, shading=0.45, noise=0.048, resolution=0.85),
            b_values=(50, 400, 800, 1400),
            averages=(2, 4, 8, 16),
            adc_from=(50, 400, 800),
            calculated_b=None,
            encoding="ge new",
            one_series=True,
            distortion_mm=4.0,
            names=("Ax FOCUS DWI multi b", "ADC (10^-6 mm2/s) b50-800", ""),
            types=(
                ("ORIGINAL", "PRIMARY", "OTHER"),
                ("DERIVED", "SECONDARY", "PROCESSED", "ADC"),
                (),
            ),
        ),
        pet=PetProtocol(
            tracer=PSMA_1007,
            share=1.0,
            stack=Stack(48, 4.0, 34, 2.78, 2.78),
            scan=PetScan(resolution_mm=5.0, noise=0.20),
            name="PET PSMA-1007 TOF MRAC",
            reconstruction="VPFX-S",
        ),
        motion_mm=0.7,
        gain=3600,
        study="PET/MRT Prostata",
        localizer="3-Plane Localizer",
        localizer_type=("ORIGINAL", "PRIMARY", "LOCALIZER"),
        sagittal="Sag T2 PROPELLER-frei",
        transverse="Ax T2 FSE hochaufgelöst",
        first_number=2,
        reverse_numbers=True,
        given_names=("Jürgen", "Günter", "Björn", "Uwe", "Matthias", "Götz", "Karl", "Sören"),
    ),
    "site-e": Site(
        scanner=UPMR,
        population=Population(prevalence=0.32, transition=0.33, diameter_mm=12.0, density=(0.50, 0.95)),
        t2=Acquisition(3.0, 4900, 126, shading=0.40, noise=0.017, resolution=0.85),
        stack=Stack(160, 1.0, 19, 3.0, 3.2, tilt_degrees=(0, 4)),
        diffusion=DiffusionProtocol(
            stack=Stack(72, 2.2, 19, 3.0, 3.2),
            acquisition=Acquisition(3.0, 5400, 76, shading=0.40, noise=0.055, resolution=0.85),
            b_values=(50, 600),
            averages=(4, 12),
            adc_from=(50, 600),
            calculated_b=1500,
            encoding="united imaging",
            one_series=False,
            distortion_mm=3.0,
            names=("epi_dwi_tra", "epi_dwi_tra_ADC", "epi_dwi_tra_cDWI"),
            types=(
                ("ORIGINAL", "PRIMARY", "M", "DIFFUSION", "TRACEW"),
                ("DERIVED", "PRIMARY", "DIFFUSION", "ADC"),
                ("DERIVED", "PRIMARY", "DIFFUSION", "TRACEW", "CALC_BVALUE"),
            ),
        ),
        pet=PetProtocol(
            tracer=PSMA_11,
            share=0.5,
            stack=Stack(52, 3.6, 40, 2.4, 2.4),
            scan=PetScan(resolution_mm=4.6, noise=0.40),
            name="PET_Pelvis_AC",
            reconstruction="TOF-OSEM",
        ),
        motion_mm=0.8,
        gain=1500,
        study="Prostate PET/MR",
        localizer="scout_3plane",
        localizer_type=("ORIGINAL", "PRIMARY", "M"),
        sagittal="t2_fse_sag",
        transverse="t2_fse_tra",
        first_number=101,
        reverse_numbers=False,
        given_names=("Wei", "Jun", "Ming", "Tao", "Lei", "Hao", "Bo", "Feng"),
    ),
}
