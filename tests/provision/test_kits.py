"""Startup kits from the repository's own provisioning/, built by NVFlare."""

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from fedbundle.errors import OutputError, ProvisionError
from fedbundle.provision.kits import provision

HOSPITALS = ("nijmegen", "taipei", "trondheim")


def copy_of(provisioning: Path, target: Path) -> Path:
    shutil.copytree(provisioning, target, ignore=shutil.ignore_patterns("workspace"))
    return target / "project.yml"


def edited(file: Path, **changes: Any) -> None:
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | changes))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> tuple[Path, dict[str, Path]]:
    folder = tmp_path_factory.mktemp("kits")
    project = copy_of(repository / "provisioning", folder / "provisioning")
    edited(project.parent / "sites" / "taipei.yml", capacity={"num_of_gpus": 2, "mem_per_gpu_in_GiB": 15})
    return folder, provision(project, folder / "out", port=18000)


def local(kit: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((kit / "local" / name).read_text()))


def components(kit: Path) -> dict[str, dict[str, Any]]:
    return {component["id"]: component for component in local(kit, "resources.json")["components"]}


def test_everyone_has_a_kit_in_the_place_named(made: tuple[Path, dict[str, Path]]) -> None:
    folder, kits = made
    assert next(iter(kits)) == "fl-server"
    assert len(kits) == 10
    assert all(kit == folder / "out" / "prostate_consortium" / "prod_00" / name for name, kit in kits.items())
    assert all((kit / "startup").is_dir() for kit in kits.values())
    assert not list((folder / "out").glob(".*"))


def test_kits_use_mutual_tls_over_grpc_and_signed_jobs(made: tuple[Path, dict[str, Path]]) -> None:
    for name, file in (("fl-server", "fed_server.json"), ("taipei", "fed_client.json")):
        start = json.loads((made[1][name] / "startup" / file).read_text())
        assert start["require_signed_jobs"] is True
        assert start["servers"][0]["service"]["scheme"] == "grpc"
        assert (start["servers"][0] | start.get("client", {}))["connection_security"] == "mtls"
        assert start["servers"][0]["service"]["target"].endswith(":18000")


def test_every_kit_but_admins_has_our_policies(made: tuple[Path, dict[str, Path]]) -> None:
    for name, kit in made[1].items():
        if "@" in name:
            assert not (kit / "local" / "authorization.json").exists()
            continue
        rights = local(kit, "authorization.json")["permissions"]
        assert {role: right["byoc"] for role, right in rights.items()} == dict.fromkeys(rights, "none")
        resources = local(kit, "resources.json")
        assert resources["class_list_enforcement_mode"] == "enforce"
        assert resources["class_allow_list"] == (
            ["fedbundle.flare.persistor.BundlePersistor", "fedbundle.flare.quorum.QuorumFedAvg"]
            if name == "fl-server"
            else ["fedbundle.flare.executor.BundleExecutor"]
        )


def test_resources_are_nvflares_own_with_our_changes(made: tuple[Path, dict[str, Path]]) -> None:
    for name in ("fl-server", *HOSPITALS):
        kit = made[1][name]
        default = {c["id"]: c for c in local(kit, "resources.json.default")["components"]}
        ours = components(kit)
        assert set(default) | ({"reconcile_jobs"} if name == "fl-server" else set()) == set(ours)
    assert components(made[1]["fl-server"])["job_scheduler"]["args"]["max_schedule_interval"] == 10.0
    manager = {name: components(made[1][name])["resource_manager"]["args"] for name in HOSPITALS}
    assert manager["taipei"] == {"num_of_gpus": 2, "mem_per_gpu_in_GiB": 15, "expiration_period": 300}
    assert manager["nijmegen"]["num_of_gpus"] == 0


def test_no_kit_holds_the_root_key_and_keys_are_private(made: tuple[Path, dict[str, Path]]) -> None:
    folder, kits = made
    state = folder / "out" / "prostate_consortium" / "state"
    root_key = json.loads((state / "cert.json").read_text())["root_pri_key"]
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert stat.S_IMODE((state / "cert.json").stat().st_mode) == 0o600
    for kit in kits.values():
        keys = list((kit / "startup").glob("*.key"))
        assert len(keys) == 1
        assert stat.S_IMODE(keys[0].stat().st_mode) == 0o600
        assert not any(root_key.encode() in file.read_bytes() for file in kit.rglob("*") if file.is_file())


def test_the_root_certificate_lives_ten_years_and_signs_every_kit(made: tuple[Path, dict[str, Path]]) -> None:
    for kit in made[1].values():
        root = x509.load_pem_x509_certificate((kit / "startup" / "rootCA.pem").read_bytes())
        own = x509.load_pem_x509_certificate(next((kit / "startup").glob("*.crt")).read_bytes())
        assert (root.not_valid_after_utc - root.not_valid_before_utc).days == 3650
        own.verify_directly_issued_by(root)
        key = serialization.load_pem_private_key(next((kit / "startup").glob("*.key")).read_bytes(), None)
        assert key.public_key() == own.public_key()


def test_provisioning_again_keeps_certificates_and_adds_a_hospital(
    made: tuple[Path, dict[str, Path]], tmp_path: Path
) -> None:
    folder, before = made
    project = copy_of(folder / "provisioning", tmp_path / "provisioning")
    shutil.copytree(folder / "out", tmp_path / "out")
    (project.parent / "sites" / "lyon.yml").write_text(
        "name: lyon\norg: lyon\ncapacity: {num_of_gpus: 0, mem_per_gpu_in_GiB: 0}\n"
    )
    after = provision(project, tmp_path / "out", port=18000)
    assert set(after) - set(before) == {"lyon"}
    assert after["lyon"].parent.name == "prod_01"
    for name, kit in before.items():
        for file in ("rootCA.pem", *(own.name for own in (kit / "startup").glob("*.crt"))):
            assert (after[name] / "startup" / file).read_bytes() == (kit / "startup" / file).read_bytes()


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        ("sites/taipei.yml", {"org": "moved"}, "org of taipei must stay taipei, got moved"),
        (
            "sites/taipei.yml",
            {"admins": [{"name": "steward@taipei.example", "role": "lead"}]},
            "previous role is org_ad",
        ),
    ],
)
def test_what_a_certificate_says_cannot_change_unnoticed(
    made: tuple[Path, dict[str, Path]], tmp_path: Path, file: str, changes: dict[str, Any], message: str
) -> None:
    folder, _ = made
    project = copy_of(folder / "provisioning", tmp_path / "provisioning")
    shutil.copytree(folder / "out", tmp_path / "out")
    edited(project.parent / file, **changes)
    with pytest.raises(ProvisionError, match=message):
        provision(project, tmp_path / "out")
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["prostate_consortium"]
    assert [entry.name for entry in (tmp_path / "out").glob("*/prod_*")] == ["prod_00"]


def test_a_host_outside_the_servers_certificate_is_refused(made: tuple[Path, dict[str, Path]], tmp_path: Path) -> None:
    folder, _ = made
    shutil.copytree(folder / "out", tmp_path / "out")
    with pytest.raises(ProvisionError, match=r"hosts of fl-server must stay 127\.0\.0\.1, localhost, got also fl\.exa"):
        provision(folder / "provisioning" / "project.yml", tmp_path / "out", host="fl.example")


def test_what_nvflare_refuses_is_told_and_leaves_nothing(repository: Path, tmp_path: Path, capsys: Any) -> None:
    project = copy_of(repository / "provisioning", tmp_path / "provisioning")
    for builders in (
        [{"path": "nvflare.lighter.impl.nowhere.NoBuilder"}],
        [{"path": "nvflare.lighter.impl.cert.CertBuilder", "args": {"root_valid_days": -1}}],
        [{"path": "nvflare.lighter.impl.cert.CertBuilder"}],
    ):
        edited(project, builders=builders)
        with pytest.raises(ProvisionError, match="project must be one that NVFlare can build, got: "):
            provision(project, tmp_path / "out")
        assert not (tmp_path / "out").exists()
    assert capsys.readouterr() == ("", "")


def test_a_place_that_cannot_hold_kits_is_refused(repository: Path, tmp_path: Path) -> None:
    project = repository / "provisioning" / "project.yml"
    with pytest.raises(OutputError, match="out must be a path without blanks"):
        provision(project, tmp_path / "my kits")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="out must be a writable folder"):
        provision(project, tmp_path / "file")
