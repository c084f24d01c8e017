"""What doctor sees of the machine: Python, packages, disk, GPUs. Nothing heavy is imported, nothing is changed."""

import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from fedbundle.errors import SiteError
from fedbundle.site.finding import Finding, examined
from fedbundle.site.home import SiteHome
from fedbundle.site.wording import many

FREE_GIB = 5.0  # a dataset of some hundred studies, its cache and a few job folders
ANSWER_SECONDS = 20
QUERY = ("--query-gpu=memory.total", "--format=csv,noheader,nounits")  # one line per GPU, MiB


def examine_host(home: SiteHome) -> list[Finding]:
    """Python and package versions, free disk, and the GPUs that site.toml promises."""
    return [
        Finding(True, "python", platform.python_version()),
        examined("packages", lambda: check_packages("fedbundle")),
        examined("disk", lambda: check_disk(home.path)),
        examined("gpus", lambda: check_gpus(home.settings["gpus"]["count"], home.settings["gpus"]["memory_gib"])),
    ]


def check_packages(distribution: str) -> str:
    """Compare the installed packages with what the distribution's metadata requires.

    Raises:
        SiteError: one is missing or of another version.
    """
    wrong, count = [], 0
    for requirement in map(Requirement, requires(distribution) or []):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        count += 1
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name} {installed} is not {requirement.specifier}")
    if wrong:
        raise SiteError(
            f"packages must be those {distribution} requires, got: {', '.join(wrong)}; "
            "install it again with pip and constraints.txt"
        )
    return f"{many(count, 'package')} as {distribution} {version(distribution)} requires them"


def check_disk(path: Path, wanted_gib: float = FREE_GIB) -> str:
    """Free space on the disk of `path`, in GiB.

    Raises:
        SiteError: less than `wanted_gib`.
    """
    free = shutil.disk_usage(path).free / 2**30
    if free < wanted_gib:
        raise SiteError(f"free disk must be at least {wanted_gib:g} GiB, got {free:.1f} GiB; free space")
    return f"{free:.0f} GiB free"


def check_gpus(count: int, memory_gib: float) -> str:
    """Compare the GPUs that nvidia-smi lists with those that site.toml promises to jobs.

    Raises:
        SiteError: fewer, or with less memory, or nvidia-smi fails.
    """
    memories = _gpu_memories_gib()
    fit = [memory for memory in memories if memory >= memory_gib]
    if len(fit) < count:
        raise SiteError(
            f"site.toml promises {many(count, 'GPU')} of {memory_gib:g} GiB, got {len(memories)} "
            f"({', '.join(f'{memory:.1f} GiB' for memory in memories) or 'none listed by nvidia-smi'}); "
            "lower [gpus] in site.toml or mend the driver"
        )
    seen = many(len(memories), "GPU")
    return f"{count} of {seen} for jobs" if count else f"jobs train on the CPU ({seen} seen)"


def _gpu_memories_gib() -> list[float]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        done = subprocess.run([program, *QUERY], capture_output=True, text=True, timeout=ANSWER_SECONDS, check=True)
        return [float(line) / 1024 for line in done.stdout.splitlines() if line.strip()]
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        raise SiteError(
            f"nvidia-smi must list the GPUs, got {error}; mend the driver, or set gpus.count = 0"
        ) from error
