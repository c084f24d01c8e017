"""Male pelvis and prostate with transition and peripheral zone, as T2-weighted MR of four sites."""

from fedbundle.phantom.prostate_mri_zones.sites import SITES as PROFILES
from fedbundle.phantom.prostate_mri_zones.study import study_uid, write_patient

__all__ = ["PROFILES", "study_uid", "write_patient"]
