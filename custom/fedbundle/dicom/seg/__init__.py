"""DICOM SEG: segments with their codes, written and read back."""
