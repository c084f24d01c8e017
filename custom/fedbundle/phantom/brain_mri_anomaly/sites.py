"""The sites: scanner, contrast, geometry, and how they name things; four that train, one that never does."""

from dataclasses import dataclass, replace

from fedbundle.phantom.brain_mri_anomaly.tissues import Inversion
from fedbundle.phantom.mr_dicom import Scanner
from fedbundle.phantom.mr_image import Acquisition

DERIVED = ("DERIVED", "SECONDARY", "M", "SKULL_STRIPPED")


@dataclass(frozen=True)
class Site:
    """A scanner with its protocol of the head; lengths in mm."""

    scanner: Scanner
    acquisition: Acquisition
    matrix: int
    pixel_mm: float
    slices: int
    thickness_mm: float
    spacing_mm: float
    gain: float
    """Stored value of free water before the rescale slope, about."""
    study: str
    transverse: str
    t1: str
    given_names: tuple[str, ...]
    stripped: bool = True
    """Whether a program of the site has set everything outside the brain to 0."""


SITES: dict[str, Site] = {
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
            image_type=DERIVED,
            sequence_name="*tir2d1rr16",
            variant=("SK", "SP", "MP"),
            private=((0x0051, "SIEMENS MR HEADER", ((0x0F, "LO", "HEA;HEP"), (0x16, "LO", "p2 M/NORM/DIS2D"))),),
        ),
        acquisition=Inversion(3.0, 9000, 95, shading=0.30, noise=0.004, resolution=0.9, inversion_ms=2500),
        matrix=112,
        pixel_mm=1.8,
        slices=22,
        thickness_mm=4.5,
        spacing_mm=5.0,
        gain=6000,
        study="MR Caput",
        transverse="t2_tirm_tra_dark-fluid_brain",
        t1="t1_se_tra_brain",
        given_names=("Ola", "Kari", "Øyvind", "Bjørg", "Håkon", "Einar", "Sigrid", "Arne"),
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
            image_type=DERIVED,
            sequence_name="TIR",
            variant=("SK", "MP"),
            private=((0x2005, "Philips MR Imaging DD 001", ((0x0D, "FL", 0.0), (0x0E, "FL", 0.0187))),),
        ),
        acquisition=Inversion(1.5, 8000, 130, shading=0.45, noise=0.005, resolution=0.85, inversion_ms=2080),
        matrix=104,
        pixel_mm=1.95,
        slices=22,
        thickness_mm=5.0,
        spacing_mm=5.0,
        gain=16000,
        study="MRI hersenen",
        transverse="FLAIR_ax_BET",
        t1="T1W_SE_ax_BET",
        given_names=("Willem", "Joke", "Sjoerd", "Hendrika", "René", "Maartje", "Dirk", "Saskia"),
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
            image_type=DERIVED,
            sequence_name="FSE-XL",
            variant=("SK", "SP"),
            private=((0x0043, "GEMS_PARM_01", ((0x2A, "LO", "FSE"), (0x8A, "CS", "ROW"))),),
        ),
        acquisition=Acquisition(1.5, 4600, 100, shading=0.55, noise=0.014, resolution=0.8),
        matrix=108,
        pixel_mm=1.9,
        slices=20,
        thickness_mm=5.0,
        spacing_mm=5.5,
        gain=9000,
        study="MRI BRAIN W/O CONTRAST",
        transverse="Ax T2 FSE brain extracted",
        t1="Ax T1 SE brain extracted",
        given_names=("John", "Émilie", "Walter", "Ruth", "Martin", "Concha", "André", "Georgia"),
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
            image_type=DERIVED,
            sequence_name="*tir2d1_16",
            variant=("SK", "SP", "MP"),
            private=((0x0051, "SIEMENS MR HEADER", ((0x0F, "LO", "HE1-4"), (0x16, "LO", "p3 M/NORM/DIS2D"))),),
        ),
        acquisition=Inversion(1.5, 7000, 85, shading=0.40, noise=0.006, resolution=0.85, inversion_ms=1950),
        matrix=112,
        pixel_mm=1.8,
        slices=24,
        thickness_mm=4.0,
        spacing_mm=4.4,
        gain=7000,
        study="MR hode",
        transverse="T2 FLAIR transversal skalleløs",
        t1="T1 SE transversal skalleløs",
        given_names=("Åsmund", "Jorunn", "Pål", "Kjersti", "Lars", "Gunhild", "Øystein", "Tor"),
    ),
    "site-e": Site(
        scanner=Scanner(
            manufacturer="CANON_MEC",
            model="Vantage Galan 3T",
            software="V6.0SP1",
            serial="77120",
            station="PHANTOMCANON",
            institution="Phantom Hospital E",
            charset="ISO_IR 100",
            bits=16,
            slope=None,
            image_type=DERIVED,
            sequence_name="FASE",
            variant=("SK",),
            private=((0x0119, "TOSHIBA_MEC_MR3", ((0x0F, "LO", "FLAIR"),)),),
        ),
        acquisition=Inversion(3.0, 10000, 105, shading=0.50, noise=0.007, resolution=0.8, inversion_ms=2560),
        matrix=104,
        pixel_mm=1.95,
        slices=20,
        thickness_mm=5.0,
        spacing_mm=5.6,
        gain=11000,
        study="MR Schaedel",
        transverse="FLAIR tra ohne Schaedel",
        t1="T1 tra ohne Schaedel",
        given_names=("Jürgen", "Anna", "Günther", "Käthe", "Max", "Ursula", "Götz", "Lotte"),
    ),
}
SITES = SITES | {  # images that no program has stripped: an ingest must refuse them
    f"{name}-skull": replace(SITES[name], stripped=False) for name in ("site-a", "site-c")
}
