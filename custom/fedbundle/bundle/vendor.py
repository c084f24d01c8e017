"""Copy a bundle so that it stands alone: what belongs to it, and the fedblocks package beside it."""

import shutil
from pathlib import Path, PurePosixPath

import fedbundle
from fedbundle.bundle.layout import bundle_files
from fedbundle.errors import BundleError

FEDBLOCKS = "fedblocks"
RESULTS_PAGE = "docs/results.md"
PERSONAL = "provenance/personal.json"  # whose weights a release holds besides the shared ones
RECORD = "digests.json"  # the one file that no digest covers, because it holds them
RECIPE_FOLDERS = frozenset({"configs", "docs"})
RECIPE_FILES = frozenset({"LICENSE", "README.md", "eval/schema.json"})


def fedblocks_files() -> dict[str, Path]:
    """Sources of the installed fedblocks by their path in a bundle (`fedblocks/...`); it is not imported.

    It is the one that was installed together with this fedbundle. Asking the import system would, in a process
    that runs from a bundle's root, find that bundle's copy, and a digest would vouch for code that was not read.

    Raises:
        BundleError: the installation is damaged.
    """
    package = Path(fedbundle.__file__).parent.with_name(FEDBLOCKS)
    if not (package / "__init__.py").is_file():
        raise BundleError(f"fedblocks must be installed beside fedbundle, got no {package}; install fedbundle again")
    files = {f"{FEDBLOCKS}/{path}": file for path, file in bundle_files(package).items() if path.endswith(".py")}
    return dict(sorted(files.items()))


def copy_bundle(source: Path, target: Path, *, results: bool = True) -> None:
    """Copy the bundle folder `source` into the folder `target`, with fedblocks if it carries none.

    Only what a bundle is made of is copied: configs, docs, licence, metadata schema, Python sources and, where
    `results` is true, what a training made of it: `models/model.*`, `provenance/`, `docs/results.md` and
    `digests.json`. Outputs of runs (predictions, logs, checkpoints) stay behind: they may be made of patients' images.

    Raises:
        BundleError: links, special files or compiled code in the bundle.
    """
    files = {path: file for path, file in bundle_files(source).items() if _belongs(path, results)}
    if not (source / FEDBLOCKS).is_dir():
        files |= fedblocks_files()
    for path, file in files.items():
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def _belongs(path: str, results: bool) -> bool:
    folder = PurePosixPath(path).parts[0]
    if path in (RECORD, RESULTS_PAGE) or folder == "provenance" or PurePosixPath(path).match("models/model.*"):
        return results
    return folder in RECIPE_FOLDERS or path in RECIPE_FILES or path.endswith(".py")
