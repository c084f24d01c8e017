"""Hips of a parametric pelvis, projected: fractures, implants and sound hips as radiographs of four sites."""

from fedbundle.phantom.hip_radiograph_fracture.sites import SITES as PROFILES
from fedbundle.phantom.hip_radiograph_fracture.study import label_rows, study_uid, write_patient

__all__ = ["COLUMNS", "MASKS", "PROFILES", "label_rows", "study_uid", "write_patient"]

COLUMNS = ("laterality", "fracture")
MASKS = False
