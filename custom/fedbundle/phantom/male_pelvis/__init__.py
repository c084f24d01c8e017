"""The male pelvis with its prostate: anatomy that several generators paint with signals of their own."""
