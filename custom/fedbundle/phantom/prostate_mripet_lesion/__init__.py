"""Men with and without prostate cancer, as T2, diffusion and perhaps PSMA-PET of five sites."""

from fedbundle.phantom.prostate_mripet_lesion.sites import SITES as PROFILES
from fedbundle.phantom.prostate_mripet_lesion.study import label_rows, study_uid, write_patient

__all__ = ["COLUMNS", "MASKS", "PROFILES", "label_rows", "study_uid", "write_patient"]

COLUMNS = ()
MASKS = True
