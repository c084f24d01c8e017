"""Approvals: exactly these bytes, decided by a person, in a chain that shows every damage."""

import hashlib
import hmac
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from samples.tiny_bundle import write_tiny_bundle

from fedbundle.errors import BundleError, DigestError, InputError, NotApprovedError, NotInstalledError, SiteError
from fedbundle.site.approvals import approve, decisions, last_decision, require, unapprove
from fedbundle.site.home import SiteHome
from fedbundle.site.store import install

NAME = "tiny_bundle"
OTHER = "sha256:" + "0" * 64


@pytest.fixture
def home(tmp_path: Path) -> SiteHome:
    return SiteHome.create(tmp_path / "home", "hospital-a")


@pytest.fixture
def digest(home: SiteHome, tmp_path: Path) -> str:
    return install(home, write_tiny_bundle(tmp_path / "source"))[1]


def _lines(home: SiteHome) -> list[bytes]:
    return (home.path / "approvals.jsonl").read_bytes().splitlines(keepends=True)


def test_an_approved_bundle_is_admitted(home: SiteHome, digest: str) -> None:
    entry = approve(home, NAME, "steward")
    assert (entry["recipe_digest"], entry["by"], entry["scan"]) == (digest, "steward", "not scanned")
    assert entry["time"].endswith("+00:00")
    assert require(home, NAME, digest) == home.bundle_dir(NAME)


def test_each_refusal_says_which_it_is(home: SiteHome, digest: str, tmp_path: Path) -> None:
    with pytest.raises(NotInstalledError, match="not installed"):
        require(home, "other_bundle", digest)
    with pytest.raises(
        DigestError, match=f"must have recipe digest 000000000000, got {digest[7:19]}: the copy differs"
    ):
        require(home, NAME, OTHER)
    with pytest.raises(NotApprovedError, match="not approved"):
        require(home, NAME, digest)
    approve(home, NAME, "steward")
    unapprove(home, NAME, "steward")
    with pytest.raises(NotApprovedError, match="approval withdrawn on"):
        require(home, NAME, digest)
    approve(home, NAME, "steward")
    changed = write_tiny_bundle(tmp_path / "changed")
    (changed / "helper.py").write_text("ONE = 1\n")
    _, new = install(home, changed)
    with pytest.raises(NotApprovedError, match=f"another digest was approved, {digest[7:19]}"):
        require(home, NAME, new)


def test_refusals_name_no_path_of_the_hospital(home: SiteHome, digest: str) -> None:
    for bundle, wanted in (("other_bundle", digest), (NAME, OTHER), (NAME, digest)):
        with pytest.raises((NotInstalledError, DigestError, NotApprovedError)) as refusal:
            require(home, bundle, wanted)
        assert str(home.path) not in str(refusal.value)


@pytest.mark.parametrize("name", ["configs/train.json", "fedblocks/__init__.py"])
def test_one_byte_changed_after_approval_is_refused(home: SiteHome, digest: str, name: str) -> None:
    approve(home, NAME, "steward")
    with (home.bundle_dir(NAME) / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(DigestError, match="the copy differs"):
        require(home, NAME, digest)


def test_code_added_after_approval_is_refused(home: SiteHome, digest: str) -> None:
    approve(home, NAME, "steward")
    (home.bundle_dir(NAME) / "torch.py").write_text("import os\n")
    with pytest.raises(DigestError, match="the copy differs"):
        require(home, NAME, digest)
    (home.bundle_dir(NAME) / "torch.py").rename(home.bundle_dir(NAME) / "torch.so")
    with pytest.raises(BundleError, match="readable code only"):
        require(home, NAME, digest)


def test_approval_of_what_is_not_there_is_refused(home: SiteHome) -> None:
    with pytest.raises(NotInstalledError):
        approve(home, NAME, "steward")
    with pytest.raises(NotApprovedError, match="nothing to do"):
        unapprove(home, NAME, "steward")
    with pytest.raises(BundleError, match="bundle name must be"):
        approve(home, "../keys", "steward")
    assert decisions(home) == []


@pytest.mark.parametrize("by", ["", "  ", "two\nlines", "x" * 201])
def test_who_decides_must_be_told(home: SiteHome, digest: str, by: str) -> None:
    with pytest.raises(InputError, match="who decides must be"):
        approve(home, NAME, by)
    with pytest.raises(NotApprovedError, match="not approved"):
        require(home, NAME, digest)


def test_the_account_decides_when_nobody_is_named(home: SiteHome, digest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "stewart")
    assert approve(home, NAME)["by"] == "stewart"
    assert require(home, NAME, digest).is_dir()


def test_the_chain_is_what_it_says(home: SiteHome, digest: str) -> None:
    for action in (approve, unapprove, approve):
        action(home, NAME, "Zoë")
    previous = "0" * 64
    for line in _lines(home):
        entry = json.loads(line)
        signature = entry.pop("signature")
        canonical = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
        assert signature == hmac.new(home.key(), canonical, hashlib.sha256).hexdigest()
        assert entry["previous"] == previous
        previous = hashlib.sha256(line.rstrip(b"\n")).hexdigest()
    assert require(home, NAME, digest).is_dir()


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda lines: [lines[0].replace(b"steward", b"student"), *lines[1:]], 1),
        (lambda lines: [lines[0], lines[1].replace(b'"unapprove"', b'"approve"'), lines[2]], 2),
        (lambda lines: [*lines[:1], *lines[2:]], 2),
        (lambda lines: [lines[1], lines[0], lines[2]], 1),
        (lambda lines: [*lines, lines[0]], 4),
        (lambda lines: lines[:2], 3),
        (lambda _lines: [], 1),
        (lambda lines: [*lines[:2], lines[2][:40]], 3),
        (lambda lines: [*lines[:2], lines[2].rstrip(b"\n")], 3),
        (lambda lines: [*lines, b"\n"], 4),
        (lambda lines: [*lines, b"\xff\xfe\n"], 4),
        (lambda lines: [*lines, b"[" * 100_000 + b"\n"], 4),
        (lambda lines: [lines[0].replace(b'"by":', b'"by": '), *lines[1:]], 1),
        (lambda lines: [lines[0].replace(b"{", b'{"by":"x",', 1), *lines[1:]], 1),
    ],
)
def test_each_damage_names_its_line_and_approves_nothing(home: SiteHome, digest: str, damage, line: int) -> None:  # type: ignore[no-untyped-def]
    approve(home, NAME, "steward")
    unapprove(home, NAME, "steward")
    approve(home, NAME, "steward")
    (home.path / "approvals.jsonl").write_bytes(b"".join(damage(_lines(home))))
    with pytest.raises(SiteError, match=f"damaged line {line}:"):
        require(home, NAME, digest)
    with pytest.raises(SiteError, match=f"damaged line {line}:"):
        approve(home, NAME, "steward")


def test_a_withdrawal_cannot_be_cut_off(home: SiteHome, digest: str) -> None:
    approve(home, NAME, "steward")
    kept = b"".join(_lines(home))
    unapprove(home, NAME, "steward")
    (home.path / "approvals.jsonl").write_bytes(kept)
    with pytest.raises(SiteError, match="damaged line 2: it was removed"):
        require(home, NAME, digest)


def test_another_key_or_none_approves_nothing(home: SiteHome, digest: str) -> None:
    approve(home, NAME, "steward")
    (home.path / "keys" / "site.key").write_bytes(bytes(32))
    with pytest.raises(SiteError, match="damaged line 1: its signature"):
        require(home, NAME, digest)
    (home.path / "approvals.jsonl").unlink()
    with pytest.raises(SiteError, match="must be readable"):
        last_decision(home, NAME)


def test_a_crash_between_line_and_head_is_no_damage(home: SiteHome, digest: str) -> None:
    approve(home, NAME, "steward")
    head = (home.path / "keys" / "approvals.head").read_text()
    unapprove(home, NAME, "steward")
    (home.path / "keys" / "approvals.head").write_text(head)
    with pytest.raises(NotApprovedError, match="withdrawn"):
        require(home, NAME, digest)
    approve(home, NAME, "steward")
    assert require(home, NAME, digest).is_dir()


def test_concurrent_decisions_all_stand_in_one_chain(home: SiteHome, digest: str) -> None:
    program = (
        "import sys, pathlib; from fedbundle.site.home import SiteHome; from fedbundle.site.approvals import approve\n"
        "home = SiteHome.open(pathlib.Path(sys.argv[1]))\n"
        f"for _ in range(10): approve(home, {NAME!r}, sys.argv[2])"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, home.path, f"steward {number}"], env=os.environ)
        for number in range(4)
    ]
    assert [process.wait(60) for process in running] == [0] * 4
    assert len(decisions(home)) == 40
    assert require(home, NAME, digest).is_dir()


def test_the_check_is_quick_enough_for_every_round(home: SiteHome, digest: str) -> None:
    import time

    for _ in range(20):
        approve(home, NAME, "steward")
    start = time.perf_counter()
    for _ in range(10):
        require(home, NAME, digest)
    assert (time.perf_counter() - start) / 10 < 0.05
