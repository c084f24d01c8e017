"""Ingest on a disk that is full, closed or gone: it stops with its exit code, and the same command finishes later.

The disks, rights and processes are real. The judge is a dataset that was never disturbed, byte by byte.
"""

import errno
import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from samples.dicom_studies import write_bundle, write_labels, write_study

from fedbundle.cli import main
from fedbundle.dicom.pixels.volume import save_nifti
from fedbundle.site.cases import files
from fedbundle.site.doctor import examine_site
from fedbundle.site.home import SiteHome

STUDIES = range(1, 7)
UNCHANGED = (".lock",)
# grows the disk step by step; each run goes on from where the one before stopped
FULL_DISK = """
mount -t tmpfs -o size=$1 tmpfs "$DATASET" || exit 99
for size in "$@"; do
  mount -o remount,size=$size "$DATASET"
  "$PYTHON" -m fedbundle.cli $ARGUMENTS >"$RESULTS/$size.out" 2>"$RESULTS/$size.err"
  echo $? >"$RESULTS/$size.code"
  cp -r "$DATASET" "$RESULTS/$size"
done
"""


class Hospital:
    """A site home, studies with labels, and `fedbundle ingest` as a process of its own."""

    def __init__(self, folder: Path, repository: Path, before: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.before = before  # words before the command
        self.home = SiteHome.create(folder / "site", "hospital-a")
        self.bundle = write_bundle(folder / "bundles", repository)
        self.dicom = folder / "dicom"
        for study in STUDIES:
            write_study(self.dicom, study)
        self.labels = write_labels(folder / "labels", self.dicom, STUDIES)
        self.dataset = self.home.dataset_dir("prostate_mri_zones")

    def arguments(self, *more: str) -> list[str]:
        """Words of the command after `fedbundle`."""
        words = ["ingest", "--site", str(self.home.path), "--bundle", str(self.bundle), "--dicom", str(self.dicom)]
        return [*words, "--labels", str(self.labels), "--max-refused", "0", *more]

    def start(self, *more: str, limit: int = 0) -> "subprocess.Popen[str]":
        """Start it; `limit` is the largest size of a file in bytes."""

        def prepare() -> None:
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        return subprocess.Popen(
            [*self.before, sys.executable, "-m", "fedbundle.cli", *self.arguments(*more)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=prepare,
        )

    def ingest(self, *more: str, limit: int = 0) -> tuple[int, str]:
        """Run it; exit code and what stands on stderr."""
        process = self.start(*more, limit=limit)
        _, told = process.communicate(timeout=120)
        return process.returncode, told

    def finishes(self, *more: str) -> dict[str, bytes]:
        """Run the same command in this process, to its end; the dataset."""
        assert main(self.arguments(*more)) == 0
        return tree(self.dataset)

    def undisturbed(self, *more: str) -> dict[str, bytes]:
        """The dataset of a run that nothing disturbs, which is then removed."""
        content = self.finishes(*more)
        shutil.rmtree(self.dataset)
        (self.home.path / "versions.jsonl").unlink()
        return content


@pytest.fixture
def hospital(tmp_path: Path, repository: Path) -> Hospital:
    return Hospital(tmp_path, repository)


@pytest.fixture
def unprivileged(tmp_path: Path, repository: Path) -> Iterator[Hospital]:
    """The same, run by an account that rights hold for: root ignores modes, unless its capabilities are taken away."""
    before: tuple[str, ...] = ()
    if os.geteuid() == 0:
        before = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
        if shutil.which("setpriv") is None or subprocess.run([*before, "true"], check=False).returncode:
            pytest.skip("we are root, and setpriv of util-linux cannot take its capabilities away")
    yield Hospital(tmp_path, repository, before)
    for path in tmp_path.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a dataset but its lock."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in UNCHANGED]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def stopped_cleanly(code: int, told: str, wanted: int = 11) -> None:
    """The exit code and one line that says so."""
    assert code == wanted, told
    assert told.startswith("fedbundle: "), told
    assert told.count("\n") == 1
    assert told.endswith(f"[exit {wanted}: docs/reference/exit-codes/{wanted}.md]\n")
    assert "Testperson" not in told


def nothing_half_written(folder: Path) -> int:
    """No datalist yet, no temporary name, whole files, labels with their images, whole lines; the number of cases."""
    content = tree(folder)
    assert "datalist.json" not in content
    assert [name for name in content if any(part.startswith(".") for part in name.split("/"))] == []
    for name, packed in content.items():
        if name.endswith(".gz"):
            assert len(gzip.decompress(packed)) > 352
    imaged = {name[7:23] for name in content if name.startswith("images/")}
    assert {name[7:23] for name in content if name.startswith("labels/")} == imaged
    lines = content.get("ingest.jsonl", b"")
    assert lines == b"" or lines.endswith(b"\n")
    listed = {json.loads(line)["case"] for line in lines.splitlines()}
    assert listed == imaged
    return len(listed)


def may_mount(flags: str, folder: Path) -> bool:
    """This machine lets us mount a disk of our own that nobody else sees."""
    mount = ["unshare", flags, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    return bool(shutil.which("unshare")) and subprocess.run(mount, check=False, capture_output=True).returncode == 0


def wait_for_cases(hospital: Hospital, process: "subprocess.Popen[str]") -> None:
    """Until the first lines are in the journal."""
    journal = hospital.dataset / "ingest.jsonl"
    while process.poll() is None and not (journal.exists() and journal.stat().st_size):
        time.sleep(0.001)


@pytest.mark.parametrize("more", [(), pytest.param(("--keep-dicom",), marks=pytest.mark.slow)])
def test_a_full_disk_stops_it_and_space_lets_it_finish(more: tuple[str, ...], hospital: Hospital) -> None:
    """A tmpfs in namespaces of its own, which needs no root."""
    unshare = next((["unshare", flags] for flags in ("-Urm", "-m") if may_mount(flags, hospital.folder)), None)
    if unshare is None:
        pytest.skip("this machine lets nobody mount a tmpfs in a namespace")
    wanted = hospital.undisturbed(*more)
    hospital.dataset.mkdir(parents=True)
    results = hospital.folder / "results"
    results.mkdir()
    pages = [1, 8, 30, 70] if more else [1, 5, 14]
    sizes = [*(str(resource.getpagesize() * count) for count in pages), "64m"]
    given = {"DATASET": hospital.dataset, "RESULTS": results, "PYTHON": sys.executable}
    environment = os.environ | {name: str(value) for name, value in given.items()}
    environment["ARGUMENTS"] = " ".join(hospital.arguments(*more))
    subprocess.run([*unshare, "sh", "-c", FULL_DISK, "sh", *sizes], check=True, env=environment)
    done = []
    for size in sizes[:-1]:
        stopped_cleanly(int((results / f"{size}.code").read_text()), (results / f"{size}.err").read_text())
        assert "No space left on device" in (results / f"{size}.err").read_text()
        done.append(nothing_half_written(results / size))
    assert done == sorted(done)
    assert done[0] == 0
    assert done[-1] > 0
    assert (results / "64m.code").read_text() == "0\n"
    assert tree(results / "64m") == wanted


def test_a_disk_that_fills_up_leaves_the_earlier_case_whole(
    hospital: Hospital, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hospital.finishes("--keep-dicom")
    for file in (hospital.dicom / "Testperson_Zebulon_3" / "1").iterdir():
        file.write_bytes(file.read_bytes()[:-64] + bytes(64))

    def save(array: object, affine: object, path: Path, compressed: bool) -> None:
        if path.parent.name == "images":  # the label stands already, under its temporary name
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save_nifti(array, affine, path, compressed)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(files, "save_nifti", save)
        assert main(hospital.arguments("--keep-dicom")) == 11
    stopped_cleanly(11, capsys.readouterr().err)
    assert tree(hospital.dataset) == before
    assert hospital.finishes("--keep-dicom") != before


@pytest.mark.parametrize("limit", [400, *(pytest.param(size, marks=pytest.mark.slow) for size in (3_000, 6_000))])
def test_a_limit_on_files_stops_it_and_without_it_it_finishes(limit: int, hospital: Hospital) -> None:
    """Where nothing can be mounted the same is shown by RLIMIT_FSIZE, which every account may set for itself."""
    wanted = hospital.undisturbed()
    code, told = hospital.ingest(limit=limit)
    stopped_cleanly(code, told)
    assert "File too large" in told
    assert (nothing_half_written(hospital.dataset) > 0) == (limit > 1000)
    assert hospital.finishes() == wanted


def test_a_dataset_that_vanishes_is_not_begun_anew(hospital: Hospital) -> None:
    wanted = hospital.undisturbed()
    process = hospital.start()
    wait_for_cases(hospital, process)
    away = hospital.dataset.rename(hospital.folder / "away")
    _, told = process.communicate(timeout=120)
    stopped_cleanly(process.returncode, told)
    assert not hospital.dataset.exists()
    assert not (away / "datalist.json").exists()
    away.rename(hospital.dataset)
    assert hospital.finishes() == wanted


def test_a_disk_that_is_unmounted_leaves_its_mount_point_empty(hospital: Hospital) -> None:
    wanted = hospital.undisturbed()
    process = hospital.start()
    wait_for_cases(hospital, process)
    away = hospital.dataset.rename(hospital.folder / "away")
    hospital.dataset.mkdir()
    _, told = process.communicate(timeout=120)
    stopped_cleanly(process.returncode, told)
    assert tree(hospital.dataset) == {}
    shutil.rmtree(hospital.dataset)
    away.rename(hospital.dataset)
    assert hospital.finishes() == wanted


@pytest.mark.parametrize(
    ("close", "code"),
    [
        (lambda hospital: hospital.dataset.parent, 11),  # where the dataset is to be made
        (lambda hospital: hospital.home.path, 11),  # where versions.jsonl is to be written
        (lambda hospital: hospital.dicom / "Testperson_Zebulon_3" / "1", 10),
        (lambda hospital: hospital.dicom / "Testperson_Zebulon_3" / "1" / "005", 10),
    ],
)
def test_without_a_right_it_stops_and_with_it_it_finishes(
    close: Callable[[Hospital], Path], code: int, unprivileged: Hospital
) -> None:
    wanted = unprivileged.undisturbed()
    place = close(unprivileged)
    before = place.stat().st_mode
    place.chmod(0o555 if code == 11 else 0)
    stopped_cleanly(*unprivileged.ingest(), code)
    place.chmod(before)
    assert unprivileged.finishes() == wanted


@pytest.mark.parametrize(
    "folder", ["images", *(pytest.param(name, marks=pytest.mark.slow) for name in ("labels", "dicom", ""))]
)
def test_a_right_that_is_lost_meanwhile_loses_no_case(folder: str, unprivileged: Hospital) -> None:
    wanted = unprivileged.undisturbed("--keep-dicom")
    process = unprivileged.start("--keep-dicom")
    wait_for_cases(unprivileged, process)
    (unprivileged.dataset / folder).chmod(0o555)
    _, told = process.communicate(timeout=120)
    stopped_cleanly(process.returncode, told)
    stopped_cleanly(*unprivileged.ingest("--keep-dicom"))
    (unprivileged.dataset / folder).chmod(0o755)
    assert unprivileged.finishes("--keep-dicom") == wanted


@pytest.mark.parametrize(
    "name", ["images/*.nii.gz", "ingest.jsonl", pytest.param("dicom/*/image/0003.dcm", marks=pytest.mark.slow)]
)
def test_a_dataset_that_cannot_be_read_is_told(name: str, unprivileged: Hospital) -> None:
    wanted = unprivileged.finishes("--keep-dicom")
    file = next(unprivileged.dataset.glob(name))
    before = file.stat().st_mode
    file.chmod(0)
    stopped_cleanly(*unprivileged.ingest("--keep-dicom"))
    file.chmod(before)
    assert unprivileged.finishes("--keep-dicom") == wanted


DAMAGES: dict[str, Callable[[Path], object]] = {
    "lost": lambda file: file.unlink(),
    "changed": lambda file: file.write_bytes(b"changed"),
    "added": lambda file: file.with_name("0099.dcm").write_bytes(b"added"),
}
KEPT, LISTED = "a changed, lost or added file in 1 of 6 cases", "got 1 case that has not"


@pytest.mark.parametrize(
    ("name", "damage", "complaint"),
    [
        *(("dicom/CASE/image/0003.dcm", damage, KEPT) for damage in DAMAGES),
        *((f"{kind}/CASE_*.nii.gz", damage, LISTED) for kind in ("images", "labels") for damage in ("lost", "changed")),
    ],
)
def test_doctor_finds_what_was_lost_or_changed_and_ingest_makes_it_again(
    name: str, damage: str, complaint: str, hospital: Hospital
) -> None:
    wanted = hospital.finishes("--keep-dicom")
    assert doctor(hospital).endswith("every file as it was ingested, with the DICOM of 6 cases")
    training = json.loads(wanted["datalist.json"])["training"]  # several; the other sections hold one
    DAMAGES[damage](next(hospital.dataset.glob(name.replace("CASE", training[0]["case"]))))
    assert complaint in doctor(hospital)
    assert tree(hospital.dataset) != wanted
    assert hospital.finishes("--keep-dicom") == wanted
    assert "every file as it was ingested" in doctor(hospital)


def test_doctor_tells_a_dataset_that_it_cannot_read(unprivileged: Hospital) -> None:
    unprivileged.finishes("--keep-dicom")
    for name in ("dicom/*/image/0003.dcm", "images/*.nii.gz"):
        next(unprivileged.dataset.glob(name)).chmod(0)
        command = [*unprivileged.before, sys.executable, "-m", "fedbundle.cli", "doctor"]
        command += ["--site", str(unprivileged.home.path)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (44, "")
        assert "must be readable, got Permission denied" in done.stdout


def doctor(hospital: Hospital) -> str:
    """What doctor says of the dataset."""
    (found,) = [finding for finding in examine_site(hospital.home) if finding.subject.startswith("dataset")]
    return found.message
