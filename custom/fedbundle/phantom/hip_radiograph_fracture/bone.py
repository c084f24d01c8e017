"""Bone of a solid: a shell of cortex around cancellous bone, as density at the points of its block."""

import numpy as np

from fedbundle.phantom.canvas import Array
from fedbundle.phantom.radiograph_image import DENSITY
from fedbundle.phantom.solid import Solid


def bone_density(
    solid: Solid, cortex_mm: "float | Array", cancellous: "float | Array", cut: Array | None, edge_mm: float
) -> Array:
    """g/cm3 of bone tissue [plane, row, column].

    Args:
        solid: whose surface carries the cortex.
        cortex_mm: its thickness.
        cancellous: bone tissue in g/cm3 below it.
        cut: signed distance to a surface that cuts through cortex and cancellous bone alike (negative = stays).
        edge_mm: over which a surface fades; as long as the step along the rays, so that the sum over a ray does not
            hang on where its points lie.
    """
    distance = solid.distance
    shell = distance + cortex_mm
    shell *= np.float32(1 / edge_mm)
    shell += np.float32(0.5)
    np.clip(shell, 0, 1, out=shell)
    shell *= DENSITY["bone"] - cancellous
    shell += cancellous
    share = distance if cut is None else np.maximum(distance, cut)
    share = share * np.float32(-1 / edge_mm)
    share += np.float32(0.5)
    np.clip(share, 0, 1, out=share)
    shell *= share
    return shell
