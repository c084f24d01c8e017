"""What was found in the files of a dataset is kept, and holds for the same files and the same contract."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.contract_dataset import AFFINE, RULES, edit_file, write_contract_dataset, write_image

from fedbundle.errors import DatasetError
from fedbundle.files import read_json, write_json
from fedbundle.site.contract import Contract
from fedbundle.site.dataset import CheckedDataset, check_dataset, needed_keys
from fedbundle.site.folder import JUDGED


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    write_contract_dataset(tmp_path / "dataset")
    return tmp_path / "dataset"


def checked(dataset: Path, rules: dict[str, Any] = RULES) -> CheckedDataset:
    """As a run meets it."""
    return check_dataset(dataset, 0.1, needed_keys(rules), 1, rules)


def test_a_judgement_is_remembered_for_the_same_files_and_contract(dataset: Path) -> None:
    checked(dataset)
    known = read_json(dataset / JUDGED)
    assert len(known) == 16
    assert not any(known.values())
    planted = {key: [["VALUE_RANGE", "planted"]] for key in known}
    write_json(dataset / JUDGED, planted)
    with pytest.raises(DatasetError, match="16 VALUE_RANGE"):  # believed, so nothing was read
        checked(dataset)
    edit_file(dataset, "0000000000000003", "t2", lambda path: write_image(path, np.ones((8, 9, 5), np.float32), AFFINE))
    with pytest.raises(DatasetError, match="15 VALUE_RANGE"):
        checked(dataset)


def test_another_contract_judges_anew(dataset: Path) -> None:
    checked(dataset)
    before = set(read_json(dataset / JUDGED))
    rules = deepcopy(RULES)
    rules["inputs"]["t2"]["contract"] = {"values": {"max": 1}}
    with pytest.raises(DatasetError, match="16 VALUE_RANGE"):
        checked(dataset, rules)
    assert before.isdisjoint(read_json(dataset / JUDGED))  # which forgets what nobody asked for
    rules["label"]["segments"] = {"1": {"names": ["lesion"]}}  # judges no file
    assert Contract(rules).digest != Contract(RULES).digest
    del rules["inputs"]["t2"]["contract"]
    rules["inputs"]["t2"]["contract"] = RULES["inputs"]["t2"]["contract"]
    assert Contract(rules).digest == Contract(RULES).digest


@pytest.mark.parametrize("content", ["{", "[]", '{"a": [["NO_CODE", ""]]}', '{"a": [3]}', '{"a": [["a", "b", "c"]]}'])
def test_a_damaged_memory_is_made_anew(content: str, dataset: Path) -> None:
    (dataset / JUDGED).write_text(content)
    assert not checked(dataset).dropped
    assert len(read_json(dataset / JUDGED)) == 16


def test_a_memory_that_cannot_be_written_costs_time_only(dataset: Path, caplog: pytest.LogCaptureFixture) -> None:
    (dataset / JUDGED).mkdir()
    assert not checked(dataset).dropped
    assert "what was judged cannot be kept" in caplog.text


def test_runs_at_once_leave_a_whole_memory(dataset: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(checked, [dataset] * 8))
    assert not any(each.dropped for each in found)
    assert len(read_json(dataset / JUDGED)) == 16
    assert not list(dataset.glob(".judged.json.*"))


def test_a_disk_that_fails_condemns_no_case(dataset: Path) -> None:
    contract, item = Contract.of(RULES), read_json(dataset / "datalist.json")["training"][0]
    file = dataset / item["adc"]
    content = file.read_bytes()
    file.unlink()
    file.symlink_to("/proc/self/mem")  # reading its first byte is an input/output error
    with pytest.raises(OSError, match="Input/output error"):
        contract.of_files(dataset, item)
    with pytest.raises(DatasetError, match="must be readable, got Input/output error; mend"):
        checked(dataset)
    file.unlink()
    file.write_bytes(content)
    assert not checked(dataset).dropped
