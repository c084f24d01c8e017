"""The four sites: their scanner, protocol, geometry, and how they name things."""

from collections.abc import Mapping
from dataclasses import dataclass

from fedbundle.phantom.mr_dicom import Scanner
from fedbundle.phantom.mr_image import Acquisition


@dataclass(frozen=True)
class Site:
    """A scanner with its prostate protocol; lengths in mm."""

    scanner: Scanner
    acquisition: Acquisition
    matrix: int
    pixel_mm: float
    slices: int
    thickness_mm: float
    spacing_mm: float
    tilt_degrees: tuple[float, float]
    """Range of the tilt of the transverse slices about the left-right axis; (0, 0) = straight."""
    reverse_numbers: bool
    gain: float
    """Stored value of free water before the rescale slope, about."""
    study: str
    localizer: str
    localizer_type: tuple[str, ...]
    sagittal: str
    transverse: str
    first_number: int
    given_names: tuple[str, ...]


SITES: Mapping[str, Site] = {
    "site-a": Site(
        scanner=Scanner(
            manufacturer="SIEMENS",
            model="Skyra",
            software="syngo MR E11",
            serial="145001",
            station="PHANTOMMR1",
            institution="Phantom Hospital A",
            charset="ISO_IR 100",
            bits=12,
            slope=None,
            image_type=("ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"),
            sequence_name="*tse2d1_25",
            variant=("SK", "SP", "OSP"),
            private=((0x0051, "SIEMENS MR HEADER", ((0x0F, "LO", "BO1,2;SP2,3"), (0x16, "LO", "p2 M/NORM/DIS2D"))),),
        ),
        acquisition=Acquisition(3.0, 5660, 104, shading=0.30, noise=0.011, resolution=0.9),
        matrix=192,
        pixel_mm=0.78125,
        slices=24,
        thickness_mm=3.0,
        spacing_mm=3.0,
        tilt_degrees=(0, 0),
        reverse_numbers=False,
        gain=900,
        study="MR Prostata",
        localizer="localizer",
        localizer_type=("ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"),
        sagittal="t2_tse_sag",
        transverse="t2_tse_tra",
        first_number=1,
        given_names=("Ola", "Kåre", "Øyvind", "Bjørn", "Håkon", "Einar", "Sverre", "Arne"),
    ),
    "site-b": Site(
        scanner=Scanner(
            manufacturer="Philips Medical Systems",
            model="Ingenia",
            software="5.3.0",
            serial="42117",
            station="PHANTOM-MR2",
            institution="Fantoomziekenhuis B",
            charset="ISO_IR 100",
            bits=12,
            slope=2.4417582417,
            image_type=("ORIGINAL", "PRIMARY", "M_SE", "M", "SE"),
            sequence_name="TSE",
            variant=("SK",),
            private=((0x2005, "Philips MR Imaging DD 001", ((0x0D, "FL", 0.0), (0x0E, "FL", 0.0187))),),
        ),
        acquisition=Acquisition(3.0, 4400, 95, shading=0.45, noise=0.015, resolution=0.85),
        matrix=192,
        pixel_mm=0.75,
        slices=22,
        thickness_mm=3.0,
        spacing_mm=3.3,
        tilt_degrees=(7, 14),
        reverse_numbers=False,
        gain=2600,
        study="MRI prostaat",
        localizer="Survey",
        localizer_type=("ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"),
        sagittal="T2W_TSE_sag",
        transverse="T2W_TSE_ax",
        first_number=101,
        given_names=("Willem", "Joost", "Sjoerd", "Hendrik", "René", "Maarten", "Dirk", "Bas"),
    ),
    "site-c": Site(
        scanner=Scanner(
            manufacturer="GE MEDICAL SYSTEMS",
            model="Optima MR450w",
            software="DV25.1",
            serial="00098765",
            station="PHANTOMGE",
            institution="Phantom Hospital C",
            charset="ISO_IR 100",
            bits=16,
            slope=None,
            image_type=("ORIGINAL", "PRIMARY", "OTHER"),
            sequence_name="FRFSE-XL",
            variant=("SK", "SP"),
            private=((0x0043, "GEMS_PARM_01", ((0x2A, "LO", "FRFSE"), (0x8A, "CS", "ROW"))),),
        ),
        acquisition=Acquisition(1.5, 4000, 102, shading=0.60, noise=0.020, resolution=0.8),
        matrix=176,
        pixel_mm=0.875,
        slices=19,
        thickness_mm=4.0,
        spacing_mm=4.0,
        tilt_degrees=(0, 0),
        reverse_numbers=True,
        gain=5200,
        study="MRI PROSTATE W/O CONTRAST",
        localizer="3-Plane Loc",
        localizer_type=("ORIGINAL", "PRIMARY", "LOCALIZER"),
        sagittal="Sag T2 FRFSE",
        transverse="Ax T2 FRFSE",
        first_number=1,
        given_names=("John", "Émile", "Walter", "Hugh", "Martin", "Conor", "André", "George"),
    ),
    "site-d": Site(
        scanner=Scanner(
            manufacturer="Siemens Healthineers",
            model="MAGNETOM Sola",
            software="syngo MR XA20",
            serial="188004",
            station="FANTOM4",
            institution="Fantomsykehuset D",
            charset="ISO_IR 192",
            bits=12,
            slope=None,
            image_type=("ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"),
            sequence_name="*tse2d1_21",
            variant=("SK", "SP", "OSP"),
            private=((0x0051, "SIEMENS MR HEADER", ((0x0F, "LO", "BO1-3;SP1-4"), (0x16, "LO", "p3 M/NORM/DIS2D"))),),
        ),
        acquisition=Acquisition(1.5, 5000, 112, shading=0.40, noise=0.017, resolution=0.85),
        matrix=192,
        pixel_mm=0.8125,
        slices=21,
        thickness_mm=3.2,
        spacing_mm=3.5,
        tilt_degrees=(0, 3),
        reverse_numbers=False,
        gain=1100,
        study="MR bekken/prostata",
        localizer="lokalisator 3 plan",
        localizer_type=("ORIGINAL", "PRIMARY", "M", "ND"),
        sagittal="T2 TSE sag høyoppløst",
        transverse="T2 TSE transversal høyoppløst",
        first_number=3,
        given_names=("Åsmund", "Jørgen", "Pål", "Knut", "Lars", "Gunnar", "Øystein", "Tor"),
    ),
}
