"""DICOM SR: measurements with their codes, written and read back."""
