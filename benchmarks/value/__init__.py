"""What federation is worth: seeds x arms on each site's unseen patients and on a site that never trained."""
