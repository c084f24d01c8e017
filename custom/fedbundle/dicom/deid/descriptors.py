"""Descriptions reduced to words of a closed technical list (PS3.15 E.3.5, Clean Descriptors Option, 113105).

People write names, dates and findings into descriptions, and no list of names is complete; so words that are not
listed here go, and bare numbers go with them.
"""

import re

DESCRIPTIONS = "SeriesDescription StudyDescription ProtocolName SequenceName DerivationDescription"
TECHNICAL = """
2d 3d t1 t2 t1w t2w t2star pd pdw flair stir dixon mprage tse fse tfl fl2d fl3d gre se ep ep2d epi haste space vibe
blade propeller radial trufi ciss swi swan mra tof dce dsc dwi diff diffusion adc eadc tracew trace fa dti calc bval
exp pca bold perf perfusion asl rs resolve zoomit dyndist dyndistcalc tra ax axial transverse sag sagittal cor coronal
obl oblique ap pa lat lateral frog leg fs fatsat spair fast turbo fov small large thin thick iso isotropic high low
res nav gated breathhold bh pre post gd contrast native dynamic delay delayed arterial venous early late phase mag
head brain neck chest thorax abdomen pelvis hip femur knee spine prostate bladder rectum liver kidney breast body wb
whole left right both mr mri ct pet petct pt fdg psma dx cr xray ac nac wac attac ctac suv bed static low dose loc
localizer localiser scout survey topo topogram map sub subtraction mip mpr recon reformat derived registered standard
routine protocol sequence image images series study with without and of the
"""
DESCRIPTORS = frozenset(DESCRIPTIONS.split())
WORDS = frozenset(TECHNICAL.split())
NUMBERED = re.compile(r"b\d{1,4}|[1-9](\.\d)?t|\d{1,2}(\.\d{1,2})?mm|t[12]")
SPLIT = re.compile(r"[^0-9A-Za-z.]+")
LONGEST = 64  # characters of an LO (PS3.5 6.2)


def cleaned(description: str) -> str:
    """The listed words of a description in lower case, in their order; "" when none is left."""
    words = [word.strip(".").lower() for word in SPLIT.split(description)]
    return " ".join(word for word in words if word in WORDS or NUMBERED.fullmatch(word))[:LONGEST]
