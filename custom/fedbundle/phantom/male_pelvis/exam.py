"""The examination of an invented man: when it was, and the names he goes by."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from fedbundle.phantom.dicom_study import Exam, Person
from fedbundle.phantom.male_pelvis.patient import Patient


def invent_exam(
    man: Patient, uids: str, identifier: str, given_names: Sequence[str], description: str, random: np.random.Generator
) -> Exam:
    """Draw date, time, accession number and two of the given names.

    Args:
        man: his age, height and weight.
        uids: seed text of all UIDs.
        identifier: Patient ID.
        given_names: two at least.
        description: Study Description.
        random: where the draws come from.
    """
    given, former = random.choice(given_names, size=2, replace=False)
    day = date(2019, 1, 7) + timedelta(days=int(random.integers(0, 1900)))
    born = day - timedelta(days=int(man.age_years * 365.25 + random.integers(5, 355)))
    person = Person(
        name=f"PHANTOM^{given}^{identifier}",
        former_name=f"PHANTOM-FORMER^{former}^{identifier}",
        identifier=identifier,
        birth_date=f"{born:%Y%m%d}",
        age_years=man.age_years,
        height_m=man.height_m,
        weight_kg=man.weight_kg,
    )
    start = int(random.integers(7 * 3600, 20 * 3600))
    accession = f"{random.integers(10**9, 10**10)}"
    return Exam(person, uids, f"{day:%Y%m%d}", start, accession, description, "PROSTATE")
