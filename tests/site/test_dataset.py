"""A dataset is checked before a run: sections, keys and digests."""

from pathlib import Path

import pytest
from samples.ball_site import write_ball_dataset

from fedbundle.errors import DatasetError
from fedbundle.files import read_json, write_json
from fedbundle.site.dataset import check_dataset, needed_keys


def test_only_a_test_section_without_a_share_may_be_empty(tmp_path: Path) -> None:
    write_ball_dataset(tmp_path, 1)
    listed = read_json(tmp_path / "datalist.json")
    shares = {"training": 0.5, "validation": 0.5, "test": 0.0}
    write_json(tmp_path / "datalist.json", listed | {"test": [], "shares": shares})
    assert check_dataset(tmp_path, 0).datalist["test"] == []
    for section in ("training", "validation"):
        write_json(tmp_path / "datalist.json", listed | {section: [], "shares": shares | {section: 0.0}})
        with pytest.raises(DatasetError, match=f"section {section} must hold"):
            check_dataset(tmp_path, 0)
    write_json(tmp_path / "datalist.json", listed | {"test": [], "shares": shares | {"test": 0.1}})
    with pytest.raises(DatasetError, match="section test must hold"):
        check_dataset(tmp_path, 0)


def test_columns_of_the_table_are_needed_and_may_be_missing_values(tmp_path: Path) -> None:
    write_ball_dataset(tmp_path, 1)
    rules = {"inputs": {"image": {}, "pet": {"optional": True}}, "table": {"columns": {"age": {}}}}
    assert needed_keys(rules) == {"image", "age"}
    with pytest.raises(DatasetError, match="21 KEY_MISSING; ingest again, with --labels"):
        check_dataset(tmp_path, 0, needed_keys(rules))
    listed = read_json(tmp_path / "datalist.json")
    for section in ("training", "validation", "test"):
        for item in listed[section]:
            item["age"] = None
    write_json(tmp_path / "datalist.json", listed)
    assert not check_dataset(tmp_path, 0, needed_keys(rules)).dropped
