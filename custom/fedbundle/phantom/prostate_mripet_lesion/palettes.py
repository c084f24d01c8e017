"""The signal of every tissue and finding of one patient in each contrast: T2, diffusion, PET."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fedbundle.phantom.canvas import Value
from fedbundle.phantom.diffusion import Mobility
from fedbundle.phantom.male_pelvis.mobility import MOBILITY, SATURATED
from fedbundle.phantom.male_pelvis.tissues import TISSUES, Palette
from fedbundle.phantom.mr_image import Acquisition, Tissue
from fedbundle.phantom.prostate_mripet_lesion.case import Case
from fedbundle.phantom.prostate_mripet_lesion.findings import SUBSTANCES, Finding


@dataclass(frozen=True)
class Contrast:
    """What is painted: tissues, and findings with the share of what they replace."""

    tissues: Palette
    findings: Sequence[tuple[Value, float]]
    """(signal, 0..1) of each finding of the case."""
    channels: int | None = None


def t2_contrast(case: Case, acquisition: Acquisition) -> Contrast:
    """Spin-echo signal, relative to free water at zero echo time."""
    tissues = {name: acquisition.signal(_relaxed(name, case)) for name in TISSUES}
    found = [(acquisition.signal(_substance(finding)[0]), finding.density) for finding in case.findings]
    return Contrast(tissues, found)


def diffusion_contrast(case: Case, acquisition: Acquisition, b_values: Sequence[float]) -> Contrast:
    """One channel for each b-value: spin-echo signal without fat, times what diffusion leaves of it."""
    tissues = {
        name: SATURATED.get(name, 1.0) * acquisition.signal(_relaxed(name, case)) * _left(_mobile(name, case), b_values)
        for name in TISSUES
    }
    found = []
    for finding in case.findings:
        tissue, mobility = _substance(finding)
        found.append((acquisition.signal(tissue) * _left(mobility, b_values), finding.density))
    return Contrast(tissues, found, len(b_values))


def uptake_contrast(case: Case) -> Contrast:
    """SUV; a finding that takes up no more than what it replaces leaves it as it is.

    Raises:
        ValueError: the patient has no PET.
    """
    if case.tracer is None:
        raise ValueError("case must have a tracer, got a patient without PET; look at case.tracer first")
    tissues = {name: case.background * suv for name, suv in case.tracer.uptake.items()} | {"urine": case.urine}
    return Contrast(tissues, [(finding.uptake, float(finding.uptake > 0)) for finding in case.findings])


def _relaxed(name: str, case: Case) -> Tissue:
    tissue = TISSUES[name]
    return replace(tissue, t2_ms=tissue.t2_ms * case.relaxation.get(name, 1.0))


def _mobile(name: str, case: Case) -> Mobility:
    mobility = MOBILITY[name]
    return replace(mobility, diffusivity=mobility.diffusivity * case.mobility.get(name, 1.0))


def _substance(finding: Finding) -> tuple[Tissue, Mobility]:
    return SUBSTANCES[finding.kind, finding.zone]


def _left(mobility: Mobility, b_values: Sequence[float]) -> Value:
    """[channel, 1, 1, 1]."""
    return np.array([mobility.left(b) for b in b_values], np.float32)[:, None, None, None]
