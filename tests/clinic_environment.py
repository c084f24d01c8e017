"""Print the packages that bundles name in their metadata, as pip requirements: what a clinic installs, no more."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

NAMED_ALONE = {"monai_version": "monai", "numpy_version": "numpy", "pytorch_version": "torch"}


def requirements(bundles: Iterable[Path]) -> list[str]:
    """`name==version` of every package named by the metadata of `bundles`; pip refuses two versions of one."""
    found: set[str] = set()
    for bundle in bundles:
        metadata = json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
        found |= {f"{package}=={metadata[key]}" for key, package in NAMED_ALONE.items()}
        found |= {f"{package}=={version}" for package, version in metadata["required_packages_version"].items()}
    return sorted(found)


if __name__ == "__main__":
    sys.stdout.write("\n".join(requirements(map(Path, sys.argv[1:]))) + "\n")
