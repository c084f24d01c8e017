"""Which patients train, validate and test: exact shares, and an assignment never changes when cases are added."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from fedbundle.errors import BundleError


def assign(
    known: Mapping[str, str],
    patients: Iterable[str],
    shares: Mapping[str, float],
    barred: Mapping[str, Collection[str]] | None = None,
) -> dict[str, str]:
    """Give each patient a section; each new one goes to the section that lacks most of its share.

    Args:
        known: pseudonym of a patient -> section, from earlier runs; kept, also of patients who are absent now.
        patients: pseudonyms of all patients of the dataset; the new ones take their turn in the order of these keyed
            hashes, so the outcome does not hang on the order of files.
        shares: section -> share of the patients, adding up to 1.
        barred: patient -> sections where this one may not be; who is there by an earlier run leaves it. Shares are
            those of each group of patients who are barred from the same sections, so the others keep theirs.

    Returns:
        Section of every patient of `known` and `patients`.

    Raises:
        BundleError: the shares do not add up to 1.
    """
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise BundleError(f"splits of configs/ingest.json must add up to 1, got {sum(shares.values()):g}; mend them")
    groups: dict[frozenset[str], list[str]] = {}
    for patient in sorted(set(patients)):
        groups.setdefault(frozenset((barred or {}).get(patient, ())), []).append(patient)
    assigned = dict(known)
    for closed, present in groups.items():
        assigned |= _of_group(known, present, {name: share for name, share in shares.items() if name not in closed})
    return assigned


def _of_group(known: Mapping[str, str], present: list[str], shares: Mapping[str, float]) -> dict[str, str]:
    assigned = {patient: known[patient] for patient in present if known.get(patient) in shares}
    counts = Counter(assigned.values())
    whole = sum(shares.values()) or 1
    for patient in present:
        if patient not in assigned:
            section = max(shares, key=lambda name: round(shares[name] / whole * len(present) - counts[name], 9))
            assigned[patient] = section
            counts[section] += 1
    return assigned
