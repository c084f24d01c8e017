"""From one study to one case of a dataset."""
