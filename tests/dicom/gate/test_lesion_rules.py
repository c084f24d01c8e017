"""The rules of prostate_mripet_lesion find their series in a real study and in the phantoms of hospitals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedbundle.dicom.gate.roles import choose
from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.dicom.inputs import read_inputs
from fedbundle.dicom.series import scan
from fedbundle.phantom import prostate_mripet_lesion as phantom

OF_MR = {"t2", "adc", "hbv"}


@pytest.fixture(scope="module")
def rules(repository: Path) -> dict[str, Any]:
    """configs/ingest.json of the bundle."""
    path = repository / "bundles" / "prostate_mripet_lesion" / "configs" / "ingest.json"
    return checked_rules(json.loads(path.read_text()))


def test_a_real_study_without_pet_fills_all_that_it_must(
    testdata: Callable[[str], Path], tmp_path: Path, rules: dict[str, Any]
) -> None:
    choice = choose(scan(testdata("prostate_mr/ProstateX-0000")), rules)
    chosen = choice.require()
    assert set(chosen) == OF_MR
    assert set(chosen["hbv"].b_values) == {800.0}  # by Siemens' private element
    read = read_inputs(chosen, rules["inputs"], tmp_path)
    assert {each.volume.array.shape for each in read.values()} == {read["t2"].volume.array.shape}
    assert read["adc"].told["quantity"]["units"] == "10*-6.mm2/s"


@pytest.mark.slow
@pytest.mark.parametrize("profile", sorted(phantom.PROFILES))
def test_a_phantom_of_each_hospital_fills_the_roles(profile: str, tmp_path: Path, rules: dict[str, Any]) -> None:
    phantom.write_patient(tmp_path / "dicom", tmp_path / "truth.nii.gz", profile, 0, 1)
    chosen = choose(scan(tmp_path / "dicom"), rules).require()
    pet = phantom.PROFILES[profile].pet
    assert chosen.keys() - {"pet"} == OF_MR
    assert pet is None or pet.share < 1 or "pet" in chosen
    assert pet is not None or "pet" not in chosen
