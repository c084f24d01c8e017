"""One invented man's study: localizer, sagittal and transverse T2, diffusion, ADC, perhaps PET; and the truth."""

from pathlib import Path

import numpy as np

from fedbundle.phantom.dicom_study import derived_uid
from fedbundle.phantom.male_pelvis.exam import invent_exam
from fedbundle.phantom.prostate_mripet_lesion.case import invent_case, seed_text, seeds
from fedbundle.phantom.prostate_mripet_lesion.examination import Examination
from fedbundle.phantom.prostate_mripet_lesion.images import Painter
from fedbundle.phantom.prostate_mripet_lesion.site import Site
from fedbundle.phantom.prostate_mripet_lesion.sites import SITES
from fedbundle.phantom.texture import Texture


def study_uid(profile: str, seed: int, index: int) -> str:
    """Study Instance UID of patient `index`, known before anything is written."""
    return derived_uid(seed_text(profile, seed, index), "study")


def label_rows(profile: str, seed: int, index: int) -> list[dict[str, str]]:  # noqa: ARG001 - the same for all
    """One row; the mask is all that is known."""
    return [{}]


def write_patient(dicom: Path, truth: Path, profile: str, seed: int, index: int) -> int:
    """Write patient `index` of (profile, seed): series folders under `dicom`, a label map to `truth`.

    The label map is uint8 on the grid of the transverse T2: 1 clinically significant cancer. Returns the number of
    DICOM files.
    """
    return write_study(dicom, truth, SITES[profile], profile, seed, index)


def write_study(dicom: Path, truth: Path, site: Site, name: str, seed: int, index: int) -> int:
    """The same for a site of one's own, whose `name` its seeds and patient identifiers come from."""
    case = invent_case(name, seed, index, site)
    _, who, grain, shapes, scan = seeds(name, seed, index, 5)
    random = np.random.default_rng(who)
    identifier = f"PL{name[-1].upper()}{seed:04}{index:04}"
    exam = invent_exam(case.man, seed_text(name, seed, index), identifier, site.given_names, site.study, random)
    examination = Examination(
        folder=dicom,
        exam=exam,
        site=site,
        painter=Painter(case, Texture(np.random.default_rng(grain)), shapes),
        centre=case.man.pose[:3, 3] + random.uniform(-4, 4, size=3),
        gain=site.gain * random.uniform(0.8, 1.25) / (site.scanner.slope or 1),
        random=np.random.default_rng(scan),
    )
    files = examination.decoys() + examination.transverse(truth) + examination.diffusion()
    if site.pet is not None and case.tracer is not None:
        files += examination.pet(site.pet)
    return files
