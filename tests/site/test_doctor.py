"""Doctor on real site homes and on kits that NVFlare provisioned: finds what is wrong, changes nothing."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from samples.tiny_bundle import write_tiny_bundle

from fedbundle.errors import InputError, SiteError
from fedbundle.files import sha256
from fedbundle.site.approvals import approve, unapprove
from fedbundle.site.doctor import Finding, examine_kit, examine_site
from fedbundle.site.home import SiteHome
from fedbundle.site.host import check_disk, check_gpus, check_packages
from fedbundle.site.store import install

PROJECT = """\
api_version: 3
name: probe
description: probe
participants:
  - {{name: server, type: server, org: hub, fed_learn_port: {port}, admin_port: {port}, default_host: localhost}}
  - {{name: hospital-a, type: client, org: a}}
  - {{name: lead@a.org, type: admin, org: a, role: lead}}
builders:
  - {{path: nvflare.lighter.impl.workspace.WorkspaceBuilder, args: {{template_file: [master_template.yml]}}}}
  - {{path: nvflare.lighter.impl.static_file.StaticFileBuilder, args: {{config_folder: config, scheme: grpc}}}}
  - {{path: nvflare.lighter.impl.cert.CertBuilder}}
"""
SECTIONS = ("training", "validation", "test")


@pytest.fixture
def home(tmp_path: Path) -> SiteHome:
    return SiteHome.create(tmp_path / "home", "hospital-a")


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kits as NVFlare writes them without our policies."""
    folder = tmp_path_factory.mktemp("federation")
    with socket.socket() as probe:
        probe.bind(("", 0))
        (folder / "project.yml").write_text(PROJECT.format(port=probe.getsockname()[1]))
    command = [sys.executable, "-m", "nvflare.cli", "provision", "-p", folder / "project.yml", "-w", folder / "ws"]
    subprocess.run(command, cwd=folder, env=os.environ | {"HOME": str(folder)}, check=True, capture_output=True)
    return folder / "ws" / "probe" / "prod_00"


@pytest.fixture
def kits(provisioned: Path, tmp_path: Path) -> Iterator[Path]:
    """The same kits with policies like ours, each pointing to its site home."""
    copy = tmp_path / "kits"
    shutil.copytree(provisioned, copy)
    for kit in (copy / "server", copy / "hospital-a"):
        resources = json.loads((kit / "local" / "resources.json.default").read_text())
        resources["class_allow_list"] = ["fedbundle.flare.executor.BundleExecutor"]
        if kit.name == "server":
            resources["snapshot_persistor"]["args"]["storage"]["args"]["root_dir"] = str(kit / "snapshots")
            next(c for c in resources["components"] if c["id"] == "job_manager")["args"]["uri_root"] = str(kit / "jobs")
        (kit / "local" / "resources.json").write_text(json.dumps(resources))
        roles = ("project_admin", "org_admin", "lead", "member")
        permissions = {"permissions": {role: {"view": "any", "byoc": "none"} for role in roles}}
        (kit / "local" / "authorization.json").write_text(json.dumps(permissions))
        SiteHome.create(tmp_path / f"home-{kit.name}", kit.name).point_kit(kit)
    yield copy


def _bad(findings: list[Finding]) -> dict[str, str]:
    """Subject -> message of what is not well, without the summary; the summary must agree."""
    bad = {finding.subject: finding.message for finding in findings if not finding.ok and finding.subject != "to do"}
    assert findings[-1].subject == "to do"
    assert findings[-1].ok == (not bad)
    return bad


def _said(findings: list[Finding], subject: str) -> str:
    return next(finding.message for finding in findings if finding.subject == subject)


def _snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_mode) for path in [folder, *folder.rglob("*")]}


def _dataset(home: SiteHome) -> Path:
    folder = home.dataset_dir("tiny_bundle")
    (folder / "images").mkdir(parents=True)
    datalist: dict[str, list[dict[str, Any]]] = {section: [] for section in SECTIONS}
    for number, section in enumerate(SECTIONS):
        image = folder / "images" / f"{number}.nii.gz"
        nibabel.save(nibabel.Nifti1Image(np.full((4, 4, 4), number % 2, np.uint8), np.eye(4)), image)
        files = dict.fromkeys(("image", "label"), f"images/{number}.nii.gz")
        item = {"case": str(number), **files, "sha256": dict.fromkeys(files, sha256(image))}
        datalist[section].append(item)
    (folder / "datalist.json").write_text(json.dumps({"bundle": "tiny_bundle", **datalist}))
    return folder


def test_a_healthy_home_needs_nothing_and_stays_as_it_is(home: SiteHome, tmp_path: Path) -> None:
    install(home, write_tiny_bundle(tmp_path / "source"))
    approve(home, "tiny_bundle", "steward")
    _dataset(home)
    before = _snapshot(home.path)
    findings = examine_site(home)
    assert _bad(findings) == {}
    assert _said(findings, "to do") == "nothing"
    assert "approved on" in _said(findings, "bundle tiny_bundle")
    assert "(not scanned)" in _said(findings, "bundle tiny_bundle")
    assert _said(findings, "dataset tiny_bundle").startswith("1 training, 1 validation, 1 test; every file")
    assert _snapshot(home.path) == before


def test_approval_states_are_told(home: SiteHome, tmp_path: Path) -> None:
    source = write_tiny_bundle(tmp_path / "source")
    install(home, source)
    assert "not approved" in _said(examine_site(home), "bundle tiny_bundle")
    approve(home, "tiny_bundle", "steward")
    (source / "helper.py").write_text("ONE = 1\n")
    install(home, source)
    assert "must be the approved recipe" in _bad(examine_site(home))["bundle tiny_bundle"]
    unapprove(home, "tiny_bundle", "steward")
    assert "approval withdrawn on" in _said(examine_site(home), "bundle tiny_bundle")


def test_damage_of_a_home_is_found(home: SiteHome) -> None:
    (home.path / "keys" / "site.key").chmod(0o644)
    (home.path / "approvals.jsonl").write_text("{}\n")
    (home.path / "runs.jsonl").write_text("no json\n")
    (home.path / "bundles" / ".tiny_bundle.x.part").mkdir()
    bad = _bad(examine_site(home))
    assert set(bad) == {"keys", "approvals", "runs", "store"}
    assert "chmod 600" in bad["keys"]
    assert "damaged line 1" in bad["approvals"]
    assert ".tiny_bundle.x.part" in bad["store"]


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda folder: (folder / "images" / "0.nii.gz").unlink(), "must hold at least one usable case"),
        (lambda folder: (folder / "datalist.json").unlink(), "datalist.json"),
        (
            lambda folder: (folder / "datalist.json").write_text("{"),
            "got no JSON; remove this file alone",
        ),
        (lambda folder: (folder / "datalist.json").write_text('{"training": [{}]}'), "one that ingest wrote"),
    ],
)
def test_damage_of_a_dataset_is_found(home: SiteHome, damage: Callable[[Path], object], complaint: str) -> None:
    damage(_dataset(home))
    assert complaint in _bad(examine_site(home))["dataset tiny_bundle"]


def test_one_changed_file_among_many_is_counted(home: SiteHome) -> None:
    folder = _dataset(home)
    datalist = json.loads((folder / "datalist.json").read_text())
    shutil.copy(folder / "images" / "0.nii.gz", folder / "images" / "3.nii.gz")
    datalist["training"].append(datalist["training"][0] | dict.fromkeys(("image", "label"), "images/3.nii.gz"))
    (folder / "datalist.json").write_text(json.dumps(datalist))
    (folder / "images" / "3.nii.gz").write_bytes(b"changed")
    assert "got 1 case that has not, of 2 training" in _bad(examine_site(home))["dataset tiny_bundle"]


def test_cases_without_a_mask_are_found(home: SiteHome, tmp_path: Path) -> None:
    install(home, write_tiny_bundle(tmp_path / "source"))
    folder = _dataset(home)
    datalist = json.loads((folder / "datalist.json").read_text())
    unlabelled = json.loads(json.dumps(datalist["test"][0]))
    del unlabelled["label"], unlabelled["sha256"]["label"]
    datalist["test"].append(unlabelled)
    (folder / "datalist.json").write_text(json.dumps(datalist))
    assert "got 1 case that has not" in _bad(examine_site(home))["dataset tiny_bundle"]


def test_a_dataset_elsewhere_must_be_there_and_of_an_installed_bundle(home: SiteHome, tmp_path: Path) -> None:
    settings = home.path / "site.toml"
    settings.write_text(settings.read_text() + 'tiny_bundle = "/nowhere/tiny"\n')
    told = _bad(examine_site(SiteHome.open(home.path)))["site.toml"]
    assert "must name installed bundles, got datasets.tiny_bundle" in told
    install(home, write_tiny_bundle(tmp_path / "source"))
    assert "mount its drive" in _bad(examine_site(SiteHome.open(home.path)))["dataset tiny_bundle"]


def test_promised_gpus_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "train on the CPU" in check_gpus(0, 0)
    with pytest.raises(SiteError, match="promises 1 GPU of 8 GiB, got 0"):
        check_gpus(1, 8)
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 16384\necho 81920\n")
    program.chmod(0o755)
    assert check_gpus(2, 16) == "2 of 2 GPUs for jobs"
    with pytest.raises(SiteError, match=r"got 2 \(16\.0 GiB, 80\.0 GiB\)"):
        check_gpus(2, 24)
    program.write_text("#!/bin/sh\nexit 9\n")
    with pytest.raises(SiteError, match="nvidia-smi must list the GPUs"):
        check_gpus(0, 0)


def test_packages_and_disk_are_compared_with_what_is_needed(tmp_path: Path) -> None:
    assert "packages as fedbundle" in check_packages("fedbundle")
    assert "GiB free" in check_disk(tmp_path)
    with pytest.raises(SiteError, match=r"at least 1e\+09 GiB"):
        check_disk(tmp_path, 1e9)


def test_healthy_kits_need_nothing_and_stay_as_they_are(kits: Path) -> None:
    port = json.loads((kits / "server" / "startup" / "fed_server.json").read_text())["servers"][0]["admin_port"]
    before = _snapshot(kits)
    assert _bad(examine_kit(kits / "server")) == {}
    with socket.create_server(("localhost", port)):
        for kit in ("server", "hospital-a", "lead@a.org"):
            assert _bad(examine_kit(kits / kit)) == {}
    assert _snapshot(kits) == before


def test_a_server_that_is_not_there_is_reported_at_once(kits: Path) -> None:
    bad = _bad(examine_kit(kits / "hospital-a"))
    assert set(bad) == {"server address"}
    assert "must be reachable" in bad["server address"]


def test_a_kit_with_stock_policies_is_not_ours(provisioned: Path) -> None:
    bad = _bad(examine_kit(provisioned / "server"))
    assert set(bad) >= {"kit", "byoc", "class_allow_list", "stores", "site home"}
    assert "got another right for lead, member, project_admin" in bad["byoc"]
    assert "/tmp/nvflare" in bad["stores"]  # noqa: S108 - the stock path that the message must name


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        (["fedbundle.flare.executor."], r"exact class paths, got 'fedbundle\.flare\.executor\.'"),
        (["*"], "exact class paths"),
        ([3], "exact class paths"),
        ([], "must name classes"),
        (["nvflare.app_common.executors.client_api_executor.ClientAPIExecutor"], "takes a command from a job"),
        (["fedbundle.flare.executor.ClientAPIExecutor"], "takes a command from a job"),
    ],
)
def test_a_loose_allow_list_is_found(kits: Path, entries: list[Any], complaint: str) -> None:
    import re

    for name in ("resources.json", "more__p_resources.json"):
        path = kits / "hospital-a" / "local" / name
        kept = path.read_text() if path.exists() else None
        path.write_text(json.dumps(json.loads(kept or "{}") | {"class_allow_list": entries}))
        assert re.search(complaint, _bad(examine_kit(kits / "hospital-a"))["class_allow_list"])
        path.write_text(kept) if kept else path.unlink()


def test_an_allow_list_that_only_warns_is_found(kits: Path) -> None:
    path = kits / "hospital-a" / "local" / "resources.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"class_list_enforcement_mode": "warn"}))
    assert "must be enforce" in _bad(examine_kit(kits / "hospital-a"))["class_allow_list"]


def test_stores_are_looked_for_in_the_kit(kits: Path) -> None:
    path = kits / "server" / "local" / "resources.json"
    resources = json.loads(path.read_text())
    storage = resources["snapshot_persistor"]["args"]["storage"]
    for place, complaint in (("snapshots", "snapshots"), (str(kits), "must store inside"), (None, "got no path")):
        storage["args"] = {"root_dir": place} if place else {}
        path.write_text(json.dumps(resources))
        assert complaint in _bad(examine_kit(kits / "server"))["stores"]
    storage["path"] = "fedbundle.flare.stores.KitStorage"
    path.write_text(json.dumps(resources))
    assert _bad(examine_kit(kits / "server")) == {}
    path.write_text(json.dumps(resources | {"components": []}))
    assert "must set job_manager" in _bad(examine_kit(kits / "server"))["stores"]


def test_certificates_and_keys_are_examined(kits: Path) -> None:
    startup = kits / "hospital-a" / "startup"
    (startup / "client.key").chmod(0o640)
    shutil.copy(kits / "server" / "startup" / "server.crt", startup / "rootCA.pem")
    bad = _bad(examine_kit(kits / "hospital-a"))
    assert "readable by its owner only" in bad["private key"]
    assert "must be issued by rootCA.pem" in bad["certificate"]
    (startup / "client.crt").write_text("no certificate")
    assert "readable certificate" in _bad(examine_kit(kits / "hospital-a"))["certificate"]


@pytest.mark.parametrize(
    ("begins", "ends", "complaint"),
    [
        (-400, -10, "one that ended on"),
        (-400, 10, "one that ends on"),
        (10, 400, "must be valid now"),
        (-1, 400, "of hospital-a ends on"),
    ],
)
def test_end_dates_are_told_in_time(kits: Path, begins: int, ends: int, complaint: str) -> None:
    startup, now = kits / "hospital-a" / "startup", datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    for name, subject in (("rootCA.pem", "probe"), ("client.crt", "hospital-a")):
        builder = x509.CertificateBuilder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "probe")]),
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]),
            key.public_key(),
            x509.random_serial_number(),
            now + timedelta(days=begins),
            now + timedelta(days=ends),
        )
        (startup / name).write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    assert complaint in _said(examine_kit(kits / "hospital-a"), "certificate")


def test_a_kit_that_points_to_another_sites_home_is_found(kits: Path, tmp_path: Path) -> None:
    SiteHome.create(tmp_path / "other", "hospital-b").point_kit(kits / "hospital-a")
    assert "got that of hospital-b" in _bad(examine_kit(kits / "hospital-a"))["site home"]


def test_gpus_of_kit_and_home_must_agree(kits: Path, tmp_path: Path) -> None:
    settings = tmp_path / "home-hospital-a" / "site.toml"
    settings.write_text(settings.read_text().replace("count = 0", "count = 2"))
    assert "same GPUs, got 0 and 2" in _bad(examine_kit(kits / "hospital-a"))["site home"]


def test_what_is_no_kit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="kit must be a folder with startup"):
        examine_kit(tmp_path)
