"""Drawn text is found in films, at all usual sizes, bright and dark; films without text give no find."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray
from samples.film_text import draw

from fedbundle.dicom.pixels.burned_in import find_text


def smooth_film(size: int = 512) -> NDArray[np.float32]:
    """Blurred noise with a bright bone-like band and grain."""
    random = np.random.default_rng(0)
    image = sitk.GetImageFromArray(random.normal(0, 1, (size, size)).astype(np.float32))
    film = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(image, 20.0))
    film = (film - film.min()) / (film.max() - film.min())
    film[:, size // 3 : size // 2] += 0.5
    return (1000 * film + random.normal(0, 10, film.shape)).astype(np.float32)


@pytest.mark.parametrize("size", [10, 12, 16, 24, 36, 60])
@pytest.mark.parametrize("grey", [2000.0, -500.0])
def test_text_is_found_where_it_is(size: int, grey: float) -> None:
    film = draw(smooth_film(), "OLAV 1950-01-02", size, (40, 300), grey)
    (first, *_) = find_text(film)
    assert first.letters >= 4
    assert abs(first.row - 300) < size
    assert 30 <= first.column < 40 + 15 * size


def test_a_film_a_side_marker_and_nothing_at_all_are_no_text() -> None:
    assert find_text(smooth_film()) == []
    assert find_text(draw(smooth_film(), "R", 40, (30, 30), 2000.0)) == []
    assert find_text(np.zeros((100, 100), np.float32)) == []


@pytest.mark.slow
def test_real_films(testdata: Callable[[str], Path]) -> None:
    files = sorted(testdata("hip_xray").rglob("*.dcm"))
    found = missed = 0
    for file in files:
        film = sitk.GetArrayFromImage(sitk.ReadImage(str(file))).squeeze().astype(np.float32)
        film = film[..., 0] if film.ndim == 3 else film
        assert find_text(film) == [], file.name
        middle = film.shape[0] // 2
        for size in (12, 24):
            around = float(np.median(film[middle : middle + size, 20 : 20 + 8 * size]))
            grey = float(film.max() if around < (film.max() + film.min()) / 2 else film.min())
            if find_text(draw(film, "ST OLAV 1950", size, (20, middle), grey)):
                found += 1
            else:
                missed += 1
    assert len(files) == 12
    assert missed == 0
