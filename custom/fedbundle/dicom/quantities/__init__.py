"""Stored pixels as physical quantities: SUV of a PET, ADC of a diffusion map."""
