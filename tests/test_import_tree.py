"""Imports point one way, and what travels with a bundle stands apart (docs/explanation/architecture.md)."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

CUSTOM = Path(__file__).resolve().parents[1] / "custom"
GROUND = {"background", "errors", "files", "interrupts"}
BELOW_SITE = GROUND | {"bundle", "dicom"}
MAY_IMPORT = {
    "__init__": set[str](),
    "__main__": {"cli"},
    "background": set[str](),
    "errors": set[str](),
    "files": {"errors"},
    "interrupts": set[str](),
    "page": set[str](),
    "bundle": GROUND,
    "check": GROUND | {"bundle", "dicom"},
    "dicom": GROUND,
    "site": BELOW_SITE | {"page"},
    "clinic": BELOW_SITE | {"site", "page"},
    "flare": BELOW_SITE | {"site"},
    "provision": BELOW_SITE | {"site"},
    "phantom": BELOW_SITE | {"site"},
    "verbs": BELOW_SITE | {"check", "site", "clinic", "flare", "provision", "phantom"},
    "cli": {"errors", "verbs"},
}
HEAVY = {"torch", "monai", "nvflare", "matplotlib", "SimpleITK", "pydicom", "highdicom", "ignite", "itk", "nibabel"}


def imported(file: Path) -> Iterator[str]:
    """Dotted names that a source file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{file}: imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "fedbundle")


def parts_of(package: str) -> list[str]:
    """Modules and sub-packages directly below `package`."""
    found = {file.relative_to(CUSTOM / package).parts[0] for file in (CUSTOM / package).rglob("*.py")}
    return sorted(part.removesuffix(".py") for part in found)


def test_every_part_of_fedbundle_has_its_place() -> None:
    assert set(parts_of("fedbundle")) == set(MAY_IMPORT)


@pytest.mark.parametrize("part", parts_of("fedbundle"))
def test_fedbundle_imports_point_one_way(part: str) -> None:
    files = [CUSTOM / "fedbundle" / f"{part}.py", *(CUSTOM / "fedbundle" / part).rglob("*.py")]
    allowed = MAY_IMPORT[part] | {part, "__version__"}
    for file in (file for file in files if file.is_file()):
        names = [name.split(".") for name in imported(file)]
        used = {name[1] for name in names if name[0] == "fedbundle" and len(name) > 1}
        assert used <= allowed, f"{file.relative_to(CUSTOM)} imports {used - allowed}"
        assert not {"poc", "jobs", "tests"} & {name[0] for name in names}


def test_the_rooms_of_dicom_stand_in_one_order() -> None:
    place = CUSTOM / "fedbundle" / "dicom"
    imports = {
        room.name: {
            name.split(".")[2]
            for file in room.glob("*.py")
            for name in imported(file)
            if name.startswith("fedbundle.dicom.") and (place / name.split(".")[2]).is_dir()
        }
        - {room.name}
        for room in place.iterdir()
        if (room / "__init__.py").is_file()
    }
    assert tuple(TopologicalSorter(imports).static_order())  # raises CycleError


def test_what_travels_imports_only_what_a_clinic_has() -> None:
    allowed = {"torch", "monai", "numpy", "fedblocks"} | set(sys.stdlib_module_names)
    for file in (CUSTOM / "fedblocks").rglob("*.py"):
        used = {name.split(".")[0] for name in imported(file)}
        assert used <= allowed, f"{file.relative_to(CUSTOM)} imports {used - allowed}"


def test_jobs_are_thin() -> None:
    files = sorted((CUSTOM.parent / "jobs").glob("*.py"))
    assert files
    for file in files:
        used = {".".join(name.split(".")[:2]) for name in imported(file) if name.startswith("fedbundle")}
        assert used <= {"fedbundle.flare", "fedbundle.cli", "fedbundle.errors"}, file.name


def test_the_command_line_starts_light() -> None:
    code = f"import sys, fedbundle.cli; print(*({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
