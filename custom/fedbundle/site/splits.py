"""Which patients train, validate and test: exact shares, and an assignment never changes when cases are added."""

from collections import Counter
from collections.abc import Iterable, Mapping

from fedbundle.errors import BundleError


def assign(known: Mapping[str, str], patients: Iterable[str], shares: Mapping[str, float]) -> dict[str, str]:
    """Give each patient a section; each new one goes to the section that lacks most of its share.

    Args:
        known: pseudonym of a patient -> section, from earlier runs; kept, also of patients who are absent now.
        patients: pseudonyms of all patients of the dataset; the new ones take their turn in the order of these keyed
            hashes, so the outcome does not hang on the order of files.
        shares: section -> share of the patients, adding up to 1.

    Returns:
        Section of every patient of `known` and `patients`.

    Raises:
        BundleError: the shares do not add up to 1.
    """
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise BundleError(f"splits of configs/ingest.json must add up to 1, got {sum(shares.values()):g}; mend them")
    present = sorted(set(patients))
    assigned = dict(known)
    counts = Counter(known[patient] for patient in present if patient in known)
    for patient in present:
        if patient not in assigned:
            section = max(shares, key=lambda name: round(shares[name] * len(present) - counts[name], 9))
            assigned[patient] = section
            counts[section] += 1
    return assigned
