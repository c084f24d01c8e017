"""Male pelvis and prostate with transition and peripheral zone, as T2-weighted MR of four sites."""

from fedbundle.phantom.prostate_mri_zones.sites import SITES as PROFILES
from fedbundle.phantom.prostate_mri_zones.study import label_rows, study_uid, write_patient

__all__ = ["COLUMNS", "MASKS", "PROFILES", "label_rows", "study_uid", "write_patient"]

COLUMNS = ()
MASKS = True
