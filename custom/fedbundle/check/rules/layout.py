"""Every file of a whole bundle is there, and JSON files can be read."""

import json
from collections.abc import Iterator

from fedbundle.bundle.layout import REQUIRED_FILES, SPECIFIED_FILES, bundle_files, checked_name
from fedbundle.check.finding import Problem
from fedbundle.check.subject import CONFIGS, DICOM_OUT, Subject

WHOLE = (*REQUIRED_FILES, *CONFIGS, DICOM_OUT, "configs/logging.conf", "docs/data_license.txt")


def layout(bundle: Subject) -> Iterator[Problem]:
    """Names, files, nothing that no digest can vouch for."""
    checked_name(bundle.root.name)
    present = bundle_files(bundle.root)
    if bundle.stock:
        bundle.tell("stock bundle: the files of MONAI's specification and configs/train.json")
    for needed in dict.fromkeys(SPECIFIED_FILES if bundle.stock else WHOLE):
        if needed not in present:
            yield Problem(needed, "", "must be there, got no such file; add it")
    for file, path in present.items():
        if not path.stat().st_size and not file.endswith(".py"):
            yield Problem(file, "", "must hold something, got an empty file; fill or remove it")
        elif file.startswith("configs/") and file.endswith(".json"):
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
            except (ValueError, RecursionError) as error:
                yield Problem(file, "", f"must be readable JSON, got: {error}; mend it")
                continue
            if not isinstance(content, dict):
                yield Problem(file, "", f"must be a JSON object, got {type(content).__name__}; mend it")
