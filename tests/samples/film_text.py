"""Text drawn into the pixels of a film, as cassette readers and film scanners do it."""

from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

FONT = Path(matplotlib.__file__).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"


def draw(film: NDArray[np.float32], text: str, size: int, place: tuple[int, int], grey: float) -> NDArray[np.float32]:
    """A copy of `film` with text of `size` pixels at (column, row) in one grey value."""
    canvas = Image.new("L", (film.shape[1], film.shape[0]))
    ImageDraw.Draw(canvas).text(place, text, fill=255, font=ImageFont.truetype(str(FONT), size))
    drawn = film.copy()
    drawn[np.asarray(canvas) > 127] = grey
    return drawn
