"""One finding on every image that the network used, side by side: same slice, same field of view."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fedbundle.clinic.pictures import Drawn, Window
from fedbundle.clinic.slices_shown import figure, image_numbers, place_of
from fedbundle.clinic.study import Study
from fedbundle.dicom.seg.dicom_out import DicomOut

# by the quantity that a role asks for, so that two studies look alike: g/ml, 1e-6 mm2/s
WINDOWS = {"suvbw": Window(0, 15, "gray_r"), "adc": Window(0, 2500)}
TOLD = {"suvbw": "SUV 0 to 15 g/mL, high is dark", "adc": "0 to 2500 x 10⁻⁶ mm²/s"}


def views(study: Study, wanted: DicomOut, labels: NDArray[np.uint8], color: Mapping[int, str]) -> str:
    """Pictures as HTML.

    Args:
        study: images, all on one grid.
        wanted: names of the roles.
        labels: [slice, row, column] on that grid.
        color: of the one value that is shown.
    """
    numbers = image_numbers(study, wanted.input)
    grid = study.volume(wanted.input)
    figures = []
    for role, each in study.inputs.items():
        if each.volume.array.shape != grid.array.shape:
            continue  # on voxels of its own
        quantity = study.rules[role].get("pixels", "")
        drawn = Drawn(each.volume, labels, color, WINDOWS.get(quantity)).best()
        told = [wanted.name_of(role), place_of(drawn, numbers), TOLD.get(quantity, "")]
        figures.append(figure(drawn, ", ".join(part for part in told if part)))
    return f'<div class="views">{"".join(figures)}</div>'
