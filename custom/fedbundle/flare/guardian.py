"""Ends a federation whose owner has gone, however it went: SIGKILL, a closed terminal, a time limit.

The owner holds the other end of this process's standard input and never writes; the system closes it with the owner.
"""

import subprocess
import sys

from fedbundle.flare.marked import end_all


def guard(mark: str) -> subprocess.Popen[bytes]:
    """Start a guardian for the processes marked `mark`; close its stdin and wait for it when they have ended."""
    return subprocess.Popen(
        [sys.executable, "-m", "fedbundle.flare.guardian", mark],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is meant for the owner
    )


if __name__ == "__main__":
    sys.stdin.buffer.read()
    end_all(sys.argv[1])
