"""DICOM: images in, results out."""
