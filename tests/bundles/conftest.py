"""What every test of a bundle of this repository tidies up."""

import sys
from collections.abc import Iterator

import pytest
from monai.utils import set_determinism


@pytest.fixture(autouse=True)
def _import_path() -> Iterator[None]:
    """Workflows put the bundle on sys.path, and seed; take both off again."""
    before = list(sys.path)
    yield
    sys.path[:] = before
    set_determinism(None)
