"""Grey values of many cases as one chart: inline SVG, whose colours come from the style sheet."""

from collections.abc import Sequence
from html import escape

import numpy as np

from fedbundle.dicom.geometry import Array
from fedbundle.site.qc.measure import Grey, axis

WIDTH, HEIGHT = 720, 200
POINTS = 64
MAX_LINES = 300
TALL = 90  # percentile of the lines' highest points that fits; the rest may run out of the picture


def histogram(lines: Sequence[tuple[str, str, Grey]], told: str) -> str:
    """One thin line per case, the median of all cases thick; height is the square root of the share of voxels.

    Args:
        lines: case, CSS class and numbers; drawn are the first MAX_LINES, the very first on top.
        told: what it shows, for those who cannot see it; plain text.
    """
    low, high = axis([grey for *_, grey in lines])
    edges = np.linspace(low, high, POINTS + 1)
    shares = np.array([np.diff(grey.below(edges)) for *_, grey in lines])
    middle = np.median(shares, axis=0)
    top = max(float(np.sqrt(np.percentile(shares.max(axis=1), TALL))) * 1.05, 1e-6)
    drawn = [
        f'<path class="{kind}" d="{_path(share, top)}"><title>{escape(case)}</title></path>'
        for (case, kind, _), share in zip(lines[:MAX_LINES], shares, strict=False)
    ]
    return (
        f'<svg class="lines" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(told)}"><path class="median" d="{_path(middle, top)}"></path>{"".join(drawn[::-1])}</svg>'
        f'<p class="axis"><span>{low:.4g}</span><span>grey value</span><span>{high:.4g}</span></p>'
    )


def _path(shares: Array, top: float) -> str:
    across = (np.arange(POINTS) + 0.5) * WIDTH / POINTS
    down = HEIGHT * (1 - np.minimum(np.sqrt(np.maximum(shares, 0)) / top, 1.1))
    return "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in zip(across, down, strict=True))
