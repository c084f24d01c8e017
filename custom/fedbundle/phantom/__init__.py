"""Synthetic patients with known truth, written as DICOM."""
