"""Transforms of dictionaries, as MONAI composes them."""
