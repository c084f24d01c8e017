"""Synthetic data of every bundle are such as its data contract asks for, with and without what may be absent."""

import json
from pathlib import Path

import pytest
import SimpleITK

from fedbundle.check.subject import FULL_SIZE, TRAIN, Subject
from fedbundle.check.synthetic import SECTIONS, write_dataset
from fedbundle.dicom.contract import breaches

BUNDLES = sorted((Path(__file__).parents[2] / "bundles").glob("*/configs"))


@pytest.mark.parametrize(
    "configs", [(TRAIN,), pytest.param((TRAIN, FULL_SIZE), marks=pytest.mark.slow)], ids=("phantom", "full")
)
@pytest.mark.parametrize("root", [path.parent for path in BUNDLES], ids=lambda path: path.name)
def test_they_keep_the_data_contract(root: Path, configs: tuple[str, ...], tmp_path: Path) -> None:
    bundle = Subject(root, tmp_path)
    write_dataset(bundle.ingest_rules, bundle.parser(*configs).get(), tmp_path)
    datalist = json.loads((tmp_path / "datalist.json").read_text())
    roles = bundle.ingest_rules["inputs"]
    for section in SECTIONS:
        for role, wanted in roles.items():
            held = [item[role] for item in datalist[section] if role in item]
            assert (
                0 < len(held) < len(datalist[section])
                if wanted.get("optional")
                else len(held) == len(datalist[section])
            )
            for name in held:
                image = SimpleITK.ReadImage(tmp_path / name)
                assert breaches(SimpleITK.GetArrayViewFromImage(image), image.GetSpacing(), wanted) == []
