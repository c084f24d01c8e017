"""The bundle that is examined: its files as they are read, its configs as MONAI merges them; nothing is evaluated."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from fedbundle.bundle.declared import FULL, PHANTOM
from fedbundle.bundle.layout import DICOM_FILES, is_stock
from fedbundle.check.finding import NotTriedError

METADATA, INGEST, DICOM_OUT = "configs/metadata.json", "configs/ingest.json", "configs/dicom_out.json"
TRAIN, EVALUATE, INFERENCE = "configs/train.json", "configs/evaluate.json", "configs/inference.json"
SEVERAL_GPUS, FULL_SIZE = "configs/multi_gpu_train.json", "configs/full.json"
CONFIGS = (TRAIN, EVALUATE, INFERENCE, SEVERAL_GPUS, FULL_SIZE)
SEPARATOR = "::"  # MONAI's own; files write #


class Subject:
    """A bundle folder, in one of its sizes.

    Args:
        root: the bundle's folder.
        scratch: folder for synthetic data and for what the configs write.
        size: `phantom`, or `full`, which lays configs/full.json over train and inference.
    """

    def __init__(self, root: Path, scratch: Path, size: str = PHANTOM) -> None:
        self.root, self.scratch, self.size = root, scratch, size
        self.told: list[str] = []
        self._read: dict[str, Any] = {}

    def tell(self, figure: str) -> None:
        """Put a figure beside the result of the rule that runs."""
        self.told.append(figure)

    def json(self, file: str) -> dict[str, Any]:
        """Content of a JSON file.

        Raises:
            NotTriedError: it is missing or no JSON object, which the rule `layout` tells.
        """
        if file not in self._read:
            try:
                self._read[file] = json.loads((self.root / file).read_text(encoding="utf-8"))
            except (OSError, ValueError, RecursionError) as error:
                raise NotTriedError(f"{file} cannot be read") from error
        content = self._read[file]
        if not isinstance(content, dict):
            raise NotTriedError(f"{file} is no JSON object")
        return content

    def files(self, config: str) -> list[str]:
        """Files that MONAI merges to run `config`, in this order: base, size, overlay."""
        base = INFERENCE if config == INFERENCE else TRAIN
        overlays = [config] if config not in (TRAIN, INFERENCE) else []
        return [base, *([FULL_SIZE] if self.size == FULL else []), *overlays]

    def parser(self, *files: str) -> ConfigParser:
        """The merged files with the metadata, not evaluated.

        Raises:
            NotTriedError: a file cannot be read, or they do not merge, which `layout` and `overlays` tell.
        """
        parser = ConfigParser(config={})
        for file in files:
            self.json(file)
        try:
            parser.read_config([str(self.root / file) for file in files])
            parser.read_meta(str(self.root / METADATA))
        except Exception as error:  # of many kinds, after what keys hold
            raise NotTriedError(f"{', '.join(files)} do not merge") from error
        return parser

    def origin(self, key: str, files: list[str]) -> str:
        """Which of the merged `files` has set `key`: the last that names it or something above it."""
        for file in reversed(files[1:]):
            for name in self.json(file):
                above = normal(name.removeprefix("+"))
                if not name.startswith("+") and (key == above or key.startswith(above + SEPARATOR)):
                    return file
        return files[0]

    @cached_property
    def stock(self) -> bool:
        """Whether it brings no rules for DICOM, so that only MONAI's specification binds it."""
        return is_stock([file for file in DICOM_FILES if (self.root / file).exists()])

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """configs/metadata.json."""
        return self.json(METADATA)

    @cached_property
    def ingest_rules(self) -> dict[str, Any]:
        """configs/ingest.json."""
        return self.json(INGEST)

    @cached_property
    def kind(self) -> str:
        """What the bundle gives: segmentation, detection or classification."""
        return str(self.json(DICOM_OUT).get("kind", "segmentation"))

    def tensor(self, direction: str, name: str) -> dict[str, Any]:
        """One data format of the metadata; of a stock bundle the first of its direction, whatever its name.

        Raises:
            NotTriedError: there is none, which `metadata` and `classes` tell.
        """
        try:
            tensors = self.metadata["network_data_format"][direction]
            return dict(next(iter(tensors.values())) if self.stock else tensors[name])
        except (KeyError, TypeError, AttributeError, StopIteration) as error:
            raise NotTriedError(f"{METADATA} has no network_data_format#{direction}#{name}") from error


def normal(key: str) -> str:
    """A key as MONAI keeps it."""
    return key.replace("#", SEPARATOR)


def written(key: str) -> str:
    """A key as config files write it."""
    return key.replace(SEPARATOR, "#")
