"""Brains with and without lesions, skull-stripped, as FLAIR or T2-weighted MR of five sites; and heads with a skull."""

from fedbundle.phantom.brain_mri_anomaly.sites import SITES as PROFILES
from fedbundle.phantom.brain_mri_anomaly.study import label_rows, study_uid, write_patient

__all__ = ["COLUMNS", "MASKS", "PROFILES", "label_rows", "study_uid", "write_patient"]

COLUMNS = ("finding",)
MASKS = True
