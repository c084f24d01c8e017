"""The sites: whom they see, what stands in their X-ray rooms, and how their films look.

They differ as hospitals do: a level-one trauma centre with young patients and many operated hips does not see what a
country hospital with an old storage-phosphor reader sees. Every field can be changed by `dataclasses.replace`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fedbundle.phantom.dx_dicom import SIGMOID, TABLE, WINDOW, Display, Unit
from fedbundle.phantom.hip_radiograph_fracture.patient import Population
from fedbundle.phantom.radiograph_image import Exposure, Processing

BLACK, WHITE, SHUTTER = "black", "white", "shutter"


@dataclass(frozen=True)
class Site:
    """One hospital."""

    unit: Unit
    people: Population
    exposure: Exposure
    processing: Processing
    single_hip: float
    """Share of patients with a film of one hip; the others have one of the whole pelvis."""
    pixel_mm: float
    """At the detector."""
    pelvis: tuple[int, int]
    """Rows and columns of a film of the pelvis."""
    hip: tuple[int, int]
    """Rows and columns of a film of one hip."""
    border: str
    """What lies outside the collimator: BLACK (by the unit), WHITE (as exposed) or SHUTTER (white, hidden by DICOM)."""
    border_mm: float
    """How far the collimator may reach into the film."""
    decoy: float
    """Share of patients with a second series that shows something else: a lateral view, or the chest."""
    study: str
    pelvis_name: str
    hip_name: str
    lateral_name: str
    chest_name: str
    given_names: tuple[str, ...]
    """Half of women, half of men, alternating."""


SITES: Mapping[str, Site] = {
    # a large teaching hospital: flat panel, old patients, all kinds of fractures, mostly whole pelves
    "site-a": Site(
        unit=Unit(
            manufacturer="Siemens Healthineers",
            model="YSIO Max",
            software="VF11A",
            serial="31001",
            station="PHANTOMDX1",
            institution="Phantom Hospital A",
            charset="ISO_IR 100",
            private=((0x0021, "SIEMENS YSIO PHANTOM", ((0x10, "LO", "pelvis ap adult"),)),),
            modality="DX",
            display=Display("MONOCHROME2", 12, WINDOW),
            calibrated=False,
            focus_mm=1150,
            kilovolts=77,
        ),
        people=Population((76, 11), 0.66, (26, 4), 1.0, (0.55, 0.09, 0.10, 0.09, 0.08, 0.09), 1.0, 0.3),
        exposure=Exposure(quanta=2600, scatter=0.35, focus_blur_mm=0.5, detector_blur_mm=0.45),
        processing=Processing(latitude=2.1, middle=0.50, edge=0.6),
        single_hip=0.15,
        pixel_mm=1.075,
        pelvis=(330, 400),
        hip=(270, 220),
        border=BLACK,
        border_mm=22,
        decoy=0.3,
        study="Bekken og hofter",
        pelvis_name="Bekken AP",
        hip_name="Hofte AP",
        lateral_name="Hofte lateral",
        chest_name="Thorax AP liggende",
        given_names=("Ingrid", "Ola", "Åse", "Kåre", "Solveig", "Håkon", "Bjørg", "Einar"),
    ),
    # a country hospital: storage phosphor with noise and blur, MONOCHROME1, old women with little bone, single hips
    "site-b": Site(
        unit=Unit(
            manufacturer="FUJIFILM Corporation",
            model="FCR XG-1",
            software="A18",
            serial="56778123",
            station="PHANTOMCR",
            institution="Fantoomziekenhuis B",
            charset="ISO_IR 100",
            private=((0x0019, "FDMS 1.0", ((0x15, "LO", "HIP AP"),)),),
            modality="CR",
            display=Display("MONOCHROME1", 10, WINDOW),
            calibrated=False,
            focus_mm=1100,
            kilovolts=70,
        ),
        people=Population((81, 8), 0.76, (24, 3.5), 0.90, (0.53, 0.10, 0.11, 0.15, 0.05, 0.06), 1.35, 0.4),
        exposure=Exposure(quanta=900, scatter=0.55, focus_blur_mm=0.8, detector_blur_mm=0.8),
        processing=Processing(latitude=2.6, middle=0.56, edge=0.15),
        single_hip=0.50,
        pixel_mm=1.02,
        pelvis=(346, 424),
        hip=(290, 236),
        border=WHITE,
        border_mm=30,
        decoy=0.35,
        study="X-bekken/heup",
        pelvis_name="Bekken voorachterwaarts",
        hip_name="Heup voorachterwaarts",
        lateral_name="Heup axiaal",
        chest_name="Thorax bed",
        given_names=("Johanna", "Willem", "Renée", "Joost", "Grietje", "Hendrik", "Maria", "Dirk"),
    ),
    # an orthopaedic hospital: many replaced joints, heavy patients, strong edge enhancement, MONOCHROME1 with a VOI LUT
    "site-c": Site(
        unit=Unit(
            manufacturer="GE Healthcare",
            model="Discovery XR656",
            software="DXPHANTOM 2.1",
            serial="00456C",
            station="PHANTOMXR",
            institution="Phantom Hospital C",
            charset="ISO_IR 100",
            private=((0x0045, "GEMS_DL_IMG_01", ((0x0B, "LO", "STANDARD"),)),),
            modality="DX",
            display=Display("MONOCHROME1", 12, TABLE),
            calibrated=True,
            focus_mm=1200,
            kilovolts=85,
        ),
        people=Population((72, 10), 0.56, (29, 5), 1.03, (0.55, 0.07, 0.07, 0.06, 0.07, 0.18), 0.8, 0.3),
        exposure=Exposure(quanta=2000, scatter=0.60, focus_blur_mm=0.55, detector_blur_mm=0.35),
        processing=Processing(latitude=1.7, middle=0.44, edge=1.1, edge_mm=5.0, equalise=0.35),
        single_hip=0.10,
        pixel_mm=1.15,
        pelvis=(306, 372),
        hip=(250, 205),
        border=BLACK,
        border_mm=14,
        decoy=0.25,
        study="XR PELVIS/HIP",
        pelvis_name="PELVIS AP",
        hip_name="HIP AP",
        lateral_name="HIP CROSS TABLE LAT",
        chest_name="CHEST PORTABLE",
        given_names=("Mary", "John", "Zoë", "Walter", "Rose", "Hugh", "Ellen", "André"),
    ),
    # a trauma centre: younger patients, poorly positioned in the shock room, many fixations; sigmoid window, shutter
    "site-d": Site(
        unit=Unit(
            manufacturer="Philips Medical Systems",
            model="DigitalDiagnost C90",
            software="1.1.1",
            serial="SN770312",
            station="FANTOM-DD4",
            institution="Fantomsykehuset D",
            charset="ISO_IR 192",
            private=((0x200B, "Philips RAD Imaging DD 001", ((0x6E, "LO", "RAW"),)),),
            modality="DX",
            display=Display("MONOCHROME2", 14, SIGMOID),
            calibrated=True,
            focus_mm=1050,
            kilovolts=81,
        ),
        people=Population((66, 15), 0.48, (25, 4), 1.02, (0.56, 0.09, 0.08, 0.10, 0.12, 0.05), 1.5, 0.3),
        exposure=Exposure(quanta=1500, scatter=0.45, focus_blur_mm=0.7, detector_blur_mm=0.4),
        processing=Processing(latitude=2.3, middle=0.52, edge=0.4, equalise=0.2),
        single_hip=0.35,
        pixel_mm=0.98,
        pelvis=(356, 430),
        hip=(296, 236),
        border=SHUTTER,
        border_mm=26,
        decoy=0.4,
        study="RG bekken traume",
        pelvis_name="Bekken front",
        hip_name="Hofte front",
        lateral_name="Hofte sideprojeksjon",
        chest_name="Thorax front liggende",
        given_names=("Åshild", "Jørgen", "Marit", "Pål", "Sigrid", "Knut", "Tone", "Øystein"),
    ),
}
