"""Policies: exact classes only, rights spelled out for every role, and NVFlare's defaults changed where we say."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedbundle.errors import ProvisionError
from fedbundle.flare.recipe import job_classes
from fedbundle.provision.policies import Policies, check_class

STOCK = "nvflare.app_common.executors.client_api_executor.ClientAPIExecutor"


@pytest.fixture
def folder(tmp_path: Path, repository: Path) -> Path:
    return Path(shutil.copytree(repository / "provisioning" / "policies", tmp_path / "policies"))


def edited(file: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads(file.read_text())
    edit(content)
    file.write_text(json.dumps(content))


def test_the_lists_are_the_classes_that_our_jobs_name(folder: Path) -> None:
    policies = Policies.read(folder)
    listed = policies.server["class_allow_list"] + policies.client["class_allow_list"]
    assert sorted(listed) == sorted(job_classes())


def test_byoc_is_none_for_every_role(folder: Path) -> None:
    permissions = Policies.read(folder).authorization["permissions"]
    assert {role: rights["byoc"] for role, rights in permissions.items()} == dict.fromkeys(
        ("project_admin", "org_admin", "lead", "member"), "none"
    )


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("fedbundle.flare.executor.", "exact dotted class path"),
        ("fedbundle.flare.*", "exact dotted class path"),
        ("*", "exact dotted class path"),
        (" fedbundle.flare.executor.BundleExecutor", "exact dotted class path"),
        ("fedbundle.flare.executor.BundleExecutor\n", "exact dotted class path"),
        (7, "exact dotted class path"),
        ("fedbundle.flare.executor", "a class that its module defines"),
        ("fedbundle.flare.executor.ClientAPIExecutor", "a class that its module defines"),
        ("fedbundle.nowhere.Thing", "a class that its module defines"),
        (STOCK, "not take a command from a job"),
    ],
)
def test_prefixes_patterns_and_shells_are_refused(entry: object, reason: str) -> None:
    with pytest.raises(ProvisionError, match=f"^client.json: entry must (be )?(an )?{reason}"):
        check_class(entry, "client.json")


@pytest.mark.parametrize(
    ("file", "edit", "message"),
    [
        ("client", lambda c: c["class_allow_list"].append("a."), r"client\.json: class_allow_list: entry must be an e"),
        (
            "server",
            lambda c: c.update(class_allow_list=[]),
            r"server\.json: class_allow_list must list classes, got \[",
        ),
        (
            "server",
            lambda c: c.update(class_list_enforcement_mode="warn"),
            r"server\.json: key must be one of .*got 'cl",
        ),
        ("client", lambda c: c["components"].append({"args": {}}), r"client\.json: components must have an id"),
        ("client", lambda c: c["components"][0].update(path="os.system"), r"site_log_streamer: entry must be a class"),
        (
            "authorization",
            lambda c: c["permissions"].update(lead="any"),
            r"authorization\.json: lead must list its rig",
        ),
        ("authorization", lambda c: c["permissions"].pop("member"), r"authorization\.json: member must list its righ"),
        ("authorization", lambda c: c["permissions"]["lead"].pop("byoc"), r"lead must list its rights and `byoc` amon"),
    ],
)
def test_a_bad_policy_is_named_by_file(folder: Path, file: str, edit: Any, message: str) -> None:
    edited(folder / f"{file}.json", edit)
    with pytest.raises(ProvisionError, match=message):
        Policies.read(folder)


def test_a_missing_or_broken_file_is_named(folder: Path) -> None:
    (folder / "client.json").write_text("{")
    with pytest.raises(ProvisionError, match=r"client\.json must be readable JSON"):
        Policies.read(folder)
    (folder / "authorization.json").unlink()
    with pytest.raises(ProvisionError, match=r"authorization\.json must be readable JSON"):
        Policies.read(folder)


def test_a_component_that_nvflare_does_not_know_needs_its_path(folder: Path, tmp_path: Path) -> None:
    edited(folder / "client.json", lambda c: c["components"].append({"id": "resource_manger", "args": {}}))
    (tmp_path / "startup").mkdir()
    (tmp_path / "startup" / "fed_client.json").write_text("{}")
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "resources.json.default").write_text('{"components": [{"id": "resource_manager"}]}')
    with pytest.raises(ProvisionError, match=r"without path must be one of resource_manager.*got 'resource_manger'"):
        Policies.read(folder).write(tmp_path)
