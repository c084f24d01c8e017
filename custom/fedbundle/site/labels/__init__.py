"""What the steward knows of a study: masks in every usual format, classes, times, events and covariates."""
