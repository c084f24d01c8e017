"""Patients of each profile, written once a session through the public entry."""

from pathlib import Path

import pytest

from fedbundle.phantom.prostate_mripet_lesion import PROFILES
from fedbundle.phantom.write import write_phantoms

BUNDLE = "prostate_mripet_lesion"
PATIENTS = {"site-a": 1, "site-b": 1, "site-c": 1, "site-d": 1, "site-e": 2}
"""Of site-e one has a PET and one has none."""
SEED = 7


@pytest.fixture(scope="session")
def lesions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folder of each profile."""
    root = tmp_path_factory.mktemp("lesions")
    for profile in PROFILES:
        write_phantoms(BUNDLE, root / profile, PATIENTS[profile], profile, SEED)
    return {profile: root / profile for profile in PROFILES}
