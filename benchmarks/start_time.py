"""How long a command line takes to show its help: ours beside those of NVIDIA FLARE and MONAI (best of five)."""

import subprocess
import sys
import time
from pathlib import Path

RUNS = 5
BIN = Path(sys.executable).parent
COMMANDS = {
    "fedbundle --help": [str(BIN / "fedbundle"), "--help"],
    "nvflare --help": [str(BIN / "nvflare"), "--help"],
    "python -m monai.bundle --help": [sys.executable, "-m", "monai.bundle", "--help"],
    "python -c pass": [sys.executable, "-c", "pass"],
}


def seconds(command: list[str]) -> float:
    """Wall time of one run."""
    began = time.perf_counter()
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    for name, command in COMMANDS.items():
        print(f"{name:32} {min(seconds(command) for _ in range(RUNS)):6.2f} s")
