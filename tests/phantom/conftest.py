"""Phantom patients that several tests read, written once a session through the public entry."""

from pathlib import Path

import pytest

from fedbundle.phantom.prostate_mri_zones import PROFILES
from fedbundle.phantom.write import write_phantoms


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two patients of each profile, by profile."""
    root = tmp_path_factory.mktemp("phantoms")
    for profile in PROFILES:
        write_phantoms("prostate_mri_zones", root / profile, 2, profile, 5)
    return {profile: root / profile for profile in PROFILES}
