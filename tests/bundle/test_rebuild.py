"""Weights: finite tensors of exactly this network, and nothing that unpickling could run."""

import os
from pathlib import Path

import pytest
import torch
from samples.tiny_bundle import write_tiny_bundle, write_tiny_weights

from fedbundle.bundle.rebuild import read_weights, write
from fedbundle.errors import ExportError


class Harmful:
    """Makes a folder when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("was_here",)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = write_tiny_bundle(tmp_path)
    monkeypatch.chdir(root)
    return root


def test_weights_that_hold_code_are_not_unpickled(tiny: Path, tmp_path: Path) -> None:
    torch.save({"conv": Harmful()}, tmp_path / "w.pt")
    with pytest.raises(ExportError, match=r"must be a state dict saved by torch, got w\.pt"):
        read_weights(tmp_path / "w.pt")
    assert not (tiny / "was_here").exists()


@pytest.mark.parametrize("content", [{}, [torch.zeros(1)], {"a": 1}, {"model": {"a": torch.zeros(1)}}])
def test_what_is_no_state_dict_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(ExportError, match="must be tensors by name"):
        read_weights(tmp_path / "w.pt")


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04broken"])
def test_damaged_files_are_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(ExportError, match="must be a state dict saved by torch") as refusal:
        read_weights(tmp_path / "w.pt")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    torch.save({"conv": torch.tensor([1.0, value])}, tmp_path / "w.pt")
    with pytest.raises(ExportError, match="must be finite, got NaN or infinity in conv"):
        read_weights(tmp_path / "w.pt")


@pytest.mark.usefixtures("tiny")
def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    state = torch.load(write_tiny_weights(tmp_path / "w.pt"), weights_only=True)
    first = min(state)
    cases = {
        "misses 1 tensors": {name: value for name, value in state.items() if name != first},
        "adds 1 tensors, extra first": state | {"extra": torch.zeros(1)},
        r"of shape \[7\]": state | {first: torch.zeros(7)},
    }
    for complaint, content in cases.items():
        torch.save(content, tmp_path / "w.pt")
        with pytest.raises(ExportError, match=complaint):
            write(tmp_path / "w.pt", tmp_path, "phantom")
    assert not list(tmp_path.glob("model.*"))
