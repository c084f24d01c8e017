"""The command line: finds the verb, runs it, tells people or machines how it ended."""

import json
import signal
import sys
from typing import Any, Literal

import tyro

from fedbundle import __version__
from fedbundle.errors import FedbundleError
from fedbundle.verbs.admin import Provision
from fedbundle.verbs.base import Verb, say
from fedbundle.verbs.clinician import Predict
from fedbundle.verbs.everyone import Phantom
from fedbundle.verbs.scientist import Check, Export, Ledger
from fedbundle.verbs.steward import Approve, Doctor, Ingest, Install, Personalize, SiteInit, Unapprove

INTERRUPTED = 130

HELP = (tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone)
"""No `--no-json`, and no word `None` to type: what is not wanted is left out."""

VERBS: dict[str, type[Verb]] = {
    "provision": Provision,
    "site init": SiteInit,
    "install": Install,
    "approve": Approve,
    "unapprove": Unapprove,
    "ingest": Ingest,
    "personalize": Personalize,
    "doctor": Doctor,
    "check": Check,
    "ledger": Ledger,
    "export": Export,
    "predict": Predict,
    "phantom": Phantom,
}
ROLES = ("consortium admin", "hospital data steward", "data scientist", "clinician", "all")


def overview() -> str:
    """Help text: the verbs grouped by role."""
    lines = [f"fedbundle {__version__}: hospitals train MONAI bundles together, no image leaves", ""]
    for role in ROLES:
        lines.append(f"{role}:")
        lines += [
            f"  {name:12} {(verb.__doc__ or '').splitlines()[0]}" for name, verb in VERBS.items() if verb.role == role
        ]
        lines.append("")
    return "\n".join([*lines, "fedbundle VERB --help tells more; exit codes: docs/reference/exit-codes/"])


def parse(arguments: list[str]) -> Verb | Literal["help", "version"] | None:
    """Find the verb (one or two words) and parse the rest; None = no such verb."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        return "help"
    if arguments[0] == "--version":
        return "version"
    for words in (2, 1):
        name = " ".join(arguments[:words])
        if name in VERBS:
            return tyro.cli(VERBS[name], args=arguments[words:], prog=f"fedbundle {name}", config=HELP)
    return None


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; one line on stderr and a numbered exit code when it fails."""
    arguments = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's end is tidied up after like Ctrl-C
    verb: Verb | Literal["help", "version"] | None = None
    try:
        verb = parse(arguments)
        if isinstance(verb, str):
            say(overview() if verb == "help" else __version__)
            return 0
        if verb is None:
            _complain(f"verb must be one of {', '.join(VERBS)}, got {arguments[0]!r}; try fedbundle --help", 2)
            return 2
        outcome = verb.run()
    except FedbundleError as error:
        data = verb.done | error.data if isinstance(verb, Verb) and verb.json else None
        if error.summary and data is None:
            say(error.summary)
        _complain(str(error), error.code, data)
        return error.code
    except KeyboardInterrupt:
        told = "interrupted; what was finished is kept, run the same command again to go on"
        _complain(told, INTERRUPTED, verb.done if isinstance(verb, Verb) and verb.json else None)
        return INTERRUPTED
    say(json.dumps(verb.done | outcome.data, indent=2) if verb.json else outcome.text)
    return outcome.code


def _complain(message: str, code: int, data: dict[str, Any] | None = None) -> None:
    if data is not None:
        say(json.dumps({"error": message, "code": code, **data}))
    sys.stderr.write(f"fedbundle: {message} [exit {code}: docs/reference/exit-codes/{code}.md]\n")


if __name__ == "__main__":
    sys.exit(main())
