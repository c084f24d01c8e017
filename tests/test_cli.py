"""The command line: grouped by role, one line and one code per error, JSON for machines."""

import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from fedbundle import __version__, cli, errors
from fedbundle.cli import ROLES, VERBS, main, overview
from fedbundle.errors import NotApprovedError, UnhealthyError
from fedbundle.verbs.base import Outcome, Verb

ONE_LINE = re.compile(r"fedbundle: [^\n]+; [^\n]+ \[exit (\d+): docs/reference/exit-codes/\1\.md\]\n")
# Bad input to every verb -> exit code; each names something that is not there. {tmp} is a new folder with home/ in it.
BAD_INPUT = {
    "provision --project {tmp}/project.yml --out {tmp}/out": 10,
    "site init {tmp}/out --name no/name": 10,
    "site init {tmp}/home --name another": 40,
    "install {tmp}/bundle --site {tmp}/home": 10,
    "install {tmp}/home --site {tmp}/home": 30,
    "approve nothing_like_it --site {tmp}/home": 41,
    "unapprove nothing_like_it --site {tmp}/home": 42,
    "ingest --bundle nothing_like_it --dicom {tmp} --out {tmp}/out --site {tmp}/home": 10,
    "ingest --bundle nothing_like_it --dicom {tmp} --out {tmp}/out --site {tmp}/nowhere": 40,
    "personalize {tmp}/no.zip --out {tmp}/out --site {tmp}/home": 10,
    "doctor": 10,
    "doctor --kit {tmp}/kit": 10,
    "check {tmp}/bundle": 10,
    "ledger {tmp}/result": 10,
    "export {tmp}/result --out {tmp}/out": 10,
    "predict {tmp}/bundle.zip {tmp}/study --out {tmp}/out": 10,
    "phantom nothing_like_it --out {tmp}/out": 10,
    "phantom prostate_mri_zones --out {tmp}/out --profile moon": 10,
}


@dataclass(frozen=True, kw_only=True)
class Fail(Verb):
    """Fail as told."""

    role = "all"

    how: str = "FedbundleError"
    """Name of the class to raise."""

    def run(self) -> Outcome:
        if self.how == "KeyboardInterrupt":
            raise KeyboardInterrupt
        raise getattr(errors, self.how)("a must be b, got c; do d")


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """One verb more, which fails."""
    monkeypatch.setitem(cli.VERBS, "fail", Fail)


def test_the_overview_groups_every_verb_by_role() -> None:
    text = overview()
    for role, section in zip(ROLES, re.split(r"^[a-z ]+:$", text, flags=re.MULTILINE)[1:], strict=True):
        listed = re.findall(r"^  (\S+(?: \S+)?)  ", section, re.MULTILINE)
        assert listed == [name for name, verb in VERBS.items() if verb.role == role]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["help"]])
def test_help_is_a_success(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out.strip() == overview().strip()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*name.split(), "--help"])
    assert stopped.value.code == 0
    assert f"usage: fedbundle {name}" in capsys.readouterr().out


def test_an_unknown_verb_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train"]) == 2
    assert re.match(r"fedbundle: verb must be one of .*, got 'train'; .* \[exit 2: .*\]\n$", capsys.readouterr().err)


def test_a_missing_argument_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["predict"])
    assert stopped.value.code == 2
    assert "--out" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(name for name in vars(errors) if name.endswith("Error")))
@pytest.mark.usefixtures("fail")
def test_each_error_is_one_line_with_its_code(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = getattr(errors, name).code
    assert main(["fail", "--how", name]) == code
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err == f"fedbundle: a must be b, got c; do d [exit {code}: docs/reference/exit-codes/{code}.md]\n"


@pytest.mark.usefixtures("fail")
def test_an_error_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fail", "--json", "--how", "NotApprovedError"]) == NotApprovedError.code
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"error": "a must be b, got c; do d", "code": NotApprovedError.code}


@pytest.mark.usefixtures("fail")
def test_ctrl_c_has_its_own_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fail", "--how", "KeyboardInterrupt"]) == 130
    assert capsys.readouterr().err.startswith("fedbundle: interrupted; ")


@pytest.mark.parametrize(("command", "code"), BAD_INPUT.items())
def test_bad_input_is_told_and_leaves_nothing_behind(
    command: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["site", "init", str(tmp_path / "home"), "--name", "somewhere"])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert main(command.format(tmp=tmp_path).split()) == code
    written = capsys.readouterr()
    assert written.out == ""
    assert ONE_LINE.fullmatch(written.err)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_bad_input_covers_every_verb() -> None:
    commands = tuple(f"{command} " for command in BAD_INPUT)
    assert all(any(command.startswith(f"{name} ") for command in commands) for name in VERBS)


def test_success_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["site", "init", str(tmp_path / "home"), "--name", "somewhere", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"site": "somewhere", "path": str(tmp_path / "home")}


def test_findings_decide_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["site", "init", str(tmp_path / "home"), "--name", "somewhere"])
    (tmp_path / "home" / "keys").chmod(0o755)
    assert main(["doctor", "--site", str(tmp_path / "home")]) == UnhealthyError.code
    assert re.search(r"^MEND  keys ", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_no_half_file(number: signal.Signals, tmp_path: Path) -> None:
    out = tmp_path / "phantoms"
    command = [sys.executable, "-m", "fedbundle.cli", "phantom", "prostate_mri_zones", "--out", str(out)]
    with subprocess.Popen([*command, "--patients", "500"], stderr=subprocess.PIPE, text=True) as process:
        while not any(out.rglob("*.dcm")) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(number)
        _, complaint = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in complaint
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".part"]
