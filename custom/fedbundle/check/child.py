"""Child process of the check: `python -P -m fedbundle.check.child ROOT SCRATCH SIZE RULE...`.

A process of its own, because the bundle's own fedblocks must be the first that is imported. Without -P a package in
the bundle's root could stand in for fedbundle itself.

On stdout, one JSON object per line: {"began": rule}, then its finding. What the bundle prints goes to stderr.
"""

import json
import os
import sys
from pathlib import Path

from fedbundle.check.examine import examine


def main(arguments: list[str]) -> int:
    """Try the rules and tell of each at once."""
    root, scratch, size, *names = arguments
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as report:
        os.dup2(2, 1)

        def say(line: dict[str, object]) -> None:
            report.write(f"{json.dumps(line)}\n")
            report.flush()

        for finding in examine(Path(root), Path(scratch), size, names, lambda name: say({"began": name})):
            say(finding.data())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
