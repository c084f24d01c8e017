"""The sites: whose hips they film, how long they follow up, and which risk factors they tend not to know.

X-ray rooms are those of the phantoms of `hip_radiograph_fracture`, and one more that never trains. Every field can be
changed by `dataclasses.replace`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fedbundle.phantom.dx_dicom import WINDOW, Display, Unit
from fedbundle.phantom.hip_radiograph_fracture.patient import Population
from fedbundle.phantom.hip_radiograph_fracture.sites import BLACK, Site
from fedbundle.phantom.hip_radiograph_fracture.sites import SITES as ROOMS
from fedbundle.phantom.radiograph_image import Exposure, Processing

SOUND = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class RiskSite:
    """One hospital."""

    room: Site
    missing: Mapping[str, float]
    """Risk factor -> share of patients of whom it is not known, at random."""
    follow_up_years: tuple[float, float]
    """From the film to the day when follow-up ended for all: the shortest and the longest, evenly between."""
    lost: float
    """Share of patients who are lost per year."""


def _room(name: str, people: Population, single_hip: float, decoy: float = 0.1) -> Site:
    return replace(ROOMS[name], people=people, single_hip=single_hip, decoy=decoy)


CANON = replace(
    ROOMS["site-a"],
    unit=Unit(
        manufacturer="Canon Medical Systems",
        model="CXDI-710C",
        software="V2.19",
        serial="CX-900417",
        station="PHANTOMDX5",
        institution="Phantom Hospital E",
        charset="ISO_IR 100",
        private=((0x0031, "CANON PHANTOM DR", ((0x10, "LO", "hip screening"),)),),
        modality="DX",
        display=Display("MONOCHROME2", 12, WINDOW),
        calibrated=True,
        focus_mm=1130,
        kilovolts=73,
    ),
    people=Population((77, 8), 0.70, (25, 4), 0.95, SOUND, 1.2),
    exposure=Exposure(quanta=1200, scatter=0.50, focus_blur_mm=0.6, detector_blur_mm=0.6),
    processing=Processing(latitude=2.4, middle=0.47, edge=0.8, equalise=0.1),
    single_hip=0.25,
    pixel_mm=1.05,
    pelvis=(338, 410),
    hip=(276, 226),
    border=BLACK,
    border_mm=18,
    decoy=0.1,
    study="Pelvis and hips",
    pelvis_name="Pelvis AP standing",
    hip_name="Hip AP standing",
    lateral_name="Hip lateral",
    chest_name="Chest AP",
    given_names=("Aino", "Eino", "Helmi", "Toivo", "Saara", "Paavo", "Elli", "Onni"),
)

SITES: Mapping[str, RiskSite] = {
    # a teaching hospital with a bone clinic: density is known of most, long follow-up
    "site-a": RiskSite(
        room=_room("site-a", Population((76, 9), 0.68, (26, 4), 1.0, SOUND, 1.0), 0.15),
        missing={"bmi": 0.10, "prior_fracture": 0.05, "bmd_t_score": 0.25},
        follow_up_years=(7, 14),
        lost=0.02,
    ),
    # a country hospital: old women with little bone, nobody measures density
    "site-b": RiskSite(
        room=_room("site-b", Population((80, 8), 0.76, (24, 3.5), 0.92, SOUND, 1.3), 0.45),
        missing={"bmi": 0.35, "prior_fracture": 0.25, "bmd_t_score": 1.0},
        follow_up_years=(6, 12),
        lost=0.04,
    ),
    # an orthopaedic hospital: younger and heavier patients, weight always known
    "site-c": RiskSite(
        room=_room("site-c", Population((71, 9), 0.58, (29, 5), 1.03, SOUND, 0.8), 0.10),
        missing={"prior_fracture": 0.15, "bmd_t_score": 0.60},
        follow_up_years=(8, 13),
        lost=0.03,
    ),
    # a registry of an accident department: age and sex, the rest by chance
    "site-d": RiskSite(
        room=_room("site-d", Population((73, 11), 0.55, (25, 4), 1.0, SOUND, 1.4), 0.35),
        missing={"age_years": 0.05, "bmi": 0.60, "prior_fracture": 0.50, "bmd_t_score": 0.85},
        follow_up_years=(6, 11),
        lost=0.05,
    ),
    # a screening clinic that never trains
    "site-e": RiskSite(
        room=CANON,
        missing={"bmi": 0.20, "prior_fracture": 0.20, "bmd_t_score": 0.50},
        follow_up_years=(7, 13),
        lost=0.03,
    ),
}
