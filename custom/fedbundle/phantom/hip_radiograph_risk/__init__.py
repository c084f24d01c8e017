"""Sound hips whose drawn geometry and bone drive a known hazard of fracture, followed for years at five sites."""

from fedbundle.phantom.hip_radiograph_risk.sites import SITES as PROFILES
from fedbundle.phantom.hip_radiograph_risk.study import label_rows, study_uid, truth_rows, write_patient

__all__ = ["COLUMNS", "MASKS", "PROFILES", "label_rows", "study_uid", "truth_rows", "write_patient"]

COLUMNS = (
    "laterality",
    "time_years",
    "event",
    "follow_up_years",
    "age_years",
    "female",
    "bmi",
    "prior_fracture",
    "bmd_t_score",
)
MASKS = False
