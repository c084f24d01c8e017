"""project.yml and sites/*.yml: what is refused, by file and key, before anything is built."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fedbundle.errors import InputError, ProvisionError
from fedbundle.provision.project import ROLES, read_project

Edit = Callable[[dict[str, Any]], Any]


@pytest.fixture
def project(tmp_path: Path, repository: Path) -> Path:
    shutil.copytree(repository / "provisioning", tmp_path / "p", ignore=shutil.ignore_patterns("workspace"))
    return tmp_path / "p" / "project.yml"


def edited(file: Path, edit: Edit) -> None:
    content = yaml.safe_load(file.read_text())
    edit(content)
    file.write_text(yaml.safe_dump(content))


def server(content: dict[str, Any]) -> dict[str, Any]:
    return next(entry for entry in content["participants"] if entry["type"] == "server")


def test_the_repository_has_a_server_three_hospitals_and_all_four_roles(project: Path) -> None:
    participants = read_project(project)["participants"]
    kinds = [entry["type"] for entry in participants]
    assert (kinds.count("server"), kinds.count("client")) == (1, 3)
    assert {entry["role"] for entry in participants if entry["type"] == "admin"} == set(ROLES)


def test_host_and_port_can_be_given(project: Path) -> None:
    changed = server(read_project(project, host="fl.example", port=12345))
    assert (changed["default_host"], changed["fed_learn_port"], changed["admin_port"]) == ("fl.example", 12345, 12345)
    with pytest.raises(ProvisionError, match=r"project\.yml: fed_learn_port must be a port from 1 to 65535, got 70000"):
        read_project(project, port=70000)


def test_a_person_belongs_to_the_hospital_of_the_file(project: Path) -> None:
    people = {entry["name"]: entry for entry in read_project(project)["participants"] if entry["type"] == "admin"}
    assert people["scientist@trondheim.example"]["org"] == "trondheim"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda site: site.update(gpu=1), r"taipei\.yml: key must be one of name, org, .*got 'gpu'"),
        (lambda site: site.pop("org"), r"taipei\.yml: org must be .*got nothing"),
        (lambda site: site.update(name="Tai pei"), r"taipei\.yml: name must be letters, .*got 'Tai pei'"),
        (lambda site: site.update(name="server"), r"taipei\.yml: name must be .*no word of NVFlare's, got 'server'"),
        (lambda site: site.update(name="x" * 64), r"taipei\.yml: name must be .*at most 63"),
        (lambda site: site.update(name="Nijmegen"), r"taipei\.yml: name must be unique .*got 'Nijmegen' as in nijmeg"),
        (lambda site: site["capacity"].update(num_of_gpus=-1), r"taipei\.yml: capacity must be num_of_gpus \(0 or mo"),
        (lambda site: site["capacity"].update(num_of_gpus=True), r"taipei\.yml: capacity must be"),
        (lambda site: site["capacity"].pop("mem_per_gpu_in_GiB"), r"taipei\.yml: capacity must be"),
        (lambda site: site["admins"][0].update(role="boss"), r"taipei\.yml: admins: role must be one of .*got 'boss'"),
        (lambda site: site["admins"][0].update(name="me"), r"taipei\.yml: admins: name must be an e-mail address"),
        (lambda site: site["admins"][0].update(org="x"), r"taipei\.yml: admins: key must be one of name, role"),
    ],
)
def test_a_bad_site_is_named_by_file_and_key(project: Path, edit: Edit, message: str) -> None:
    edited(project.parent / "sites" / "taipei.yml", edit)
    with pytest.raises(ProvisionError, match=message):
        read_project(project)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda p: p.update(sites=[]), r"project\.yml: key must be one of .*got 'sites'"),
        (lambda p: p.update(name="a b"), r"project\.yml: name must be .*got 'a b'"),
        (lambda p: p.pop("builders"), r"project\.yml: builders must be .*got nothing"),
        (lambda p: server(p).update(connection_security="clear"), r"project\.yml: key must be .*got 'connection_secu"),
        (lambda p: server(p).update(fed_learn_port=0), r"project\.yml: fed_learn_port must be a port .*got 0"),
        (lambda p: server(p).update(default_host="a b"), r"project\.yml: default_host must be .*got 'a b'"),
        (lambda p: p["participants"].remove(server(p)), r"participants must hold one server, got 0"),
        (lambda p: p["participants"].append(dict(server(p))), r"participants must hold one server, got 2"),
        (lambda p: p["participants"].append({"type": "client"}), r"got a client; put it into sites/"),
        (lambda p: p["participants"].append({"type": "relay"}), r"type must be server or admin, got 'relay'"),
        (lambda p: p["participants"].append(p["participants"][1]), r"project\.yml: names must be unique"),
    ],
)
def test_a_bad_project_is_named_by_key(project: Path, edit: Edit, message: str) -> None:
    edited(project, edit)
    with pytest.raises(ProvisionError, match=message):
        read_project(project)


def test_no_sites_no_file_no_yaml(project: Path) -> None:
    shutil.rmtree(project.parent / "sites")
    with pytest.raises(ProvisionError, match=r"sites must hold one <hospital>\.yml per hospital, got none"):
        read_project(project)
    project.write_text("a: [")
    with pytest.raises(ProvisionError, match=r"project\.yml must be readable YAML, got: while parsing"):
        read_project(project)
    project.write_text("- a")
    with pytest.raises(ProvisionError, match=r"project\.yml must be a mapping of keys, got list"):
        read_project(project)
    with pytest.raises(InputError, match=r"project must be a project\.yml"):
        read_project(project.parent)
