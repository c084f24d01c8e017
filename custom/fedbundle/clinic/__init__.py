"""What a clinician runs on a study."""
