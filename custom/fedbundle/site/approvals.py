"""The steward's decisions: which recipe digest of a bundle may train here.

`approvals.jsonl` only grows. Each line names the SHA-256 of the line before it and is signed with the site's key
(HMAC-SHA256, RFC 2104); `keys/approvals.head` holds the SHA-256 of the last line, so that lines cut off at the end,
a withdrawal for instance, are missed. All of it is verified at each read.
"""

import getpass
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from fedbundle.bundle.digest import recipe_digest as digest_of
from fedbundle.bundle.digest import short
from fedbundle.bundle.ids import check_ids
from fedbundle.bundle.layout import Bundle, checked_name, own_python
from fedbundle.errors import DigestError, InputError, NotApprovedError, NotInstalledError, SiteError
from fedbundle.files import write_text
from fedbundle.site.binding import Binding
from fedbundle.site.home import SiteHome, append_line, utc_now

FILE = "approvals.jsonl"
HEAD = Path("keys/approvals.head")
GENESIS = "0" * 64  # what the first line names as its predecessor


def approve(home: SiteHome, name: str, by: str | None = None, python: bool = False) -> dict[str, Any]:
    """Approve the recipe digest that the installed files of the bundle have now.

    Only what can be told without evaluating anything is checked: of a stock bundle the ids that a federation needs and,
    where site.toml binds it, those that the binding names.

    Args:
        home: the hospital's site home.
        name: of an installed bundle.
        by: who decides; None = the name of the logged-in account.
        python: leave to run the Python that the bundle brings besides fedblocks.

    Returns:
        The line that was appended.

    Raises:
        NotInstalledError: it is not in the store.
        NotApprovedError: it brings Python of its own, and no leave was given.
        BundleError: its files are damaged, or it lacks an id.
        SiteError: approvals.jsonl is damaged.
    """
    bundle = Bundle.open(_installed(home, name))
    if bundle.stock:
        check_ids(bundle)
    if name in home.settings["bindings"]:
        Binding.of(home, bundle)
    brought = own_python(bundle.root)
    if brought and not python:
        raise NotApprovedError(
            f"{name} must have leave to run the Python that it brings, {_some(brought)}, got none; read these files, "
            f"then run fedbundle approve {name} --allow-python"
        )
    leave = {"python": True} if brought else {}
    return _append(home, "approve", name, bundle.version, digest_of(bundle.root), by, leave)


def unapprove(home: SiteHome, name: str, by: str | None = None) -> dict[str, Any]:
    """Withdraw the approval of a bundle, whether or not it is still installed.

    Raises:
        NotApprovedError: there is no approval to withdraw.
        SiteError: approvals.jsonl is damaged.
    """
    last = last_decision(home, name)
    if last is None or last["action"] != "approve":
        raise NotApprovedError(f"bundle {name} must be approved to be withdrawn, got no approval; nothing to do")
    return _append(home, "unapprove", name, last["version"], last["recipe_digest"], by)


def require(home: SiteHome, bundle: str, recipe_digest: str) -> Path:
    """Return the folder of the installed bundle, if the steward approved exactly these bytes.

    The files are hashed now, at each call. Messages name no path of the hospital: they travel to the ledger.

    Args:
        home: the hospital's site home.
        bundle: name that a job gives.
        recipe_digest: that the job gives, `sha256:<hex>`.

    Raises:
        NotInstalledError: the bundle is not in the store.
        DigestError: the installed files are not the ones the job names.
        NotApprovedError: never approved, withdrawn, or another digest was approved.
        SiteError: approvals.jsonl is damaged.
        BundleError: not a bundle's name, or files that no digest can vouch for.
    """
    root = _installed(home, bundle)
    actual = digest_of(root)
    if not hmac.compare_digest(actual.encode(), recipe_digest.encode()):
        raise DigestError(
            f"copy of {bundle} at {home.name} must have recipe digest {short(recipe_digest)}, got {short(actual)}: "
            "the copy differs; install the version that the job names, review it and approve it"
        )
    last = last_decision(home, bundle)
    if last is None:
        raise NotApprovedError(
            f"{bundle} {short(actual)} must be approved at {home.name}, got no approval: not approved; "
            f"the steward reviews it and runs fedbundle approve {bundle}"
        )
    if last["action"] != "approve":
        raise NotApprovedError(
            f"{bundle} {short(actual)} must be approved at {home.name}, got: approval withdrawn on {last['time']}; "
            f"ask the steward, who may run fedbundle approve {bundle} again"
        )
    if last["recipe_digest"] != actual:
        raise NotApprovedError(
            f"{bundle} {short(actual)} must be approved at {home.name}, got: another digest was approved, "
            f"{short(last['recipe_digest'])}; the steward reviews this one and runs fedbundle approve {bundle}"
        )
    if (brought := own_python(root)) and last.get("python") is not True:
        raise NotApprovedError(
            f"{bundle} {short(actual)} must have leave at {home.name} to run the Python that it brings, "
            f"{_some(brought)}, got none; the steward reads it and runs fedbundle approve {bundle} --allow-python"
        )
    return root


def last_decision(home: SiteHome, bundle: str) -> dict[str, Any] | None:
    """The last line about the bundle; None when there is none; SiteError when the file is damaged."""
    name = checked_name(bundle)
    return next((entry for entry in reversed(decisions(home)) if entry["bundle"] == name), None)


def decisions(home: SiteHome) -> list[dict[str, Any]]:
    """All lines of approvals.jsonl, oldest first, each verified.

    Raises:
        SiteError: the file, a line or the key is damaged; the message says which line.
    """
    with home.lock():
        return _read(home)[0]


def _read(home: SiteHome) -> tuple[list[dict[str, Any]], str]:
    """The verified lines and the SHA-256 of the last one; the caller holds the lock."""
    key, entries, previous, before = home.key(), [], GENESIS, GENESIS
    try:
        content = (home.path / FILE).read_bytes()
        head = (home.path / HEAD).read_text() if (home.path / HEAD).exists() else GENESIS
    except (OSError, ValueError) as error:
        raise SiteError(f"{FILE} must be readable, got: {error}; restore the site home from a backup") from error
    lines = content.split(b"\n")
    if lines.pop():
        raise _damaged(len(lines) + 1, "it is cut off")
    for number, line in enumerate(lines, 1):
        entries.append(_verified(key, number, line, previous))
        before, previous = previous, hashlib.sha256(line).hexdigest()
    # One line more than the head knows is what a crash between the two writes leaves; it is signed, so it is ours.
    if head not in (previous, before):
        raise _damaged(len(lines) + 1, "it was removed, with all that followed it")
    return entries, previous


def _verified(key: bytes, number: int, line: bytes, previous: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
        signature = entry.pop("signature")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(number, "it is no signed entry") from error
    if not hmac.compare_digest(_sealed(key, entry), line):
        raise _damaged(number, "its signature does not match")
    if entry["previous"] != previous:
        raise _damaged(number, "it does not follow the line before it")
    return {**entry, "signature": signature}


def _sealed(key: bytes, entry: dict[str, Any]) -> bytes:
    """The one line that stands for `entry`: canonical JSON, signature included."""
    signature = hmac.new(key, _canonical(entry), hashlib.sha256).hexdigest()
    return _canonical({**entry, "signature": signature})


def _canonical(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()


def _damaged(number: int, reason: str) -> SiteError:
    return SiteError(
        f"{FILE} must be an unbroken signed chain, got a damaged line {number}: {reason}; "
        "nothing is approved until the site home is restored from a backup"
    )


def _append(
    home: SiteHome,
    action: str,
    bundle: str,
    version: str,
    digest: str,
    by: str | None,
    leave: dict[str, Any] | None = None,
) -> dict[str, Any]:
    decider = _decider(by)
    with home.lock():
        _, previous = _read(home)
        entry = {
            "time": utc_now(),
            "action": action,
            "bundle": bundle,
            "version": version,
            "recipe_digest": digest,
            "by": decider,
            "scan": "not scanned",
            "previous": previous,
        } | (leave or {})
        line = _sealed(home.key(), entry)
        append_line(home.path / FILE, line.decode())
        write_text(home.path / HEAD, hashlib.sha256(line).hexdigest())
    return dict(json.loads(line))


def _decider(by: str | None) -> str:
    if by is None:
        try:
            by = getpass.getuser()
        except (KeyError, OSError) as error:
            raise InputError("who decides must be known, got an account without a name; say --by NAME") from error
    if not by.strip() or not by.isprintable() or len(by) > 200:
        raise InputError(f"who decides must be one printable line of at most 200 characters, got {by!r}; say --by NAME")
    return by


def _some(files: list[str]) -> str:
    return ", ".join(files[:3]) + (", ..." if len(files) > 3 else "")


def _installed(home: SiteHome, name: str) -> Path:
    root = home.bundle_dir(name)
    if not root.is_dir():
        raise NotInstalledError(
            f"{name} must be installed at {home.name}, got no such bundle: not installed; run fedbundle install"
        )
    return root
