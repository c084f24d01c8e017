"""project.yml and sites/*.yml become one NVFlare project, checked before anything is built."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from nvflare.apis.utils.format_check import name_check

from fedbundle.errors import InputError, ProvisionError

ROLES = ("project_admin", "org_admin", "lead", "member")
RESERVED = {"server", "all", "@all", "all_sites", "simulator_server"}  # words of NVFlare's commands
MAX_NAME = 63  # a certificate's common name holds 64 characters

Check = Callable[[Any], bool]
Rule = tuple[Check, str, bool]  # check, the rule in words, required


def read_project(project: Path, *, host: str | None = None, port: int | None = None) -> dict[str, Any]:
    """Read `project` and every `sites/*.yml` beside it into the dictionary that NVFlare's provisioner takes.

    Args:
        project: project.yml in NVFlare's own keys, with the server and the consortium's admins.
        host: name under which the hospitals reach the server, in place of `default_host`.
        port: in place of `fed_learn_port` and `admin_port`.

    Raises:
        InputError: there is no such file.
        ProvisionError: a file breaks a rule; the message names file and key.
    """
    if not project.is_file():
        raise InputError(f"project must be a project.yml, got {project}; name the file")
    found = _read(project)
    _check(found, _PROJECT, project.name)
    participants = [_participant(entry, project.name) for entry in found["participants"]]
    server = _server(participants, project.name)
    if port is not None:
        server |= {"fed_learn_port": port, "admin_port": port}
    if host is not None:
        server["default_host"] = host
    _check(server, _SERVER, project.name)
    files = sorted((project.parent / "sites").glob("*.yml"))
    if not files:
        raise ProvisionError(
            f"sites must hold one <hospital>.yml per hospital, got none in {project.parent / 'sites'}; add one"
        )
    where = {str(entry["name"]).casefold(): project.name for entry in participants}
    if len(where) < len(participants):
        raise ProvisionError(f"{project.name}: names must be unique, got one twice; rename or remove it")
    for file in files:
        for entry in _site(file):
            name = str(entry["name"])
            if name.casefold() in where:
                raise ProvisionError(
                    f"{file.name}: name must be unique in the federation, "
                    f"got {name!r} as in {where[name.casefold()]}; rename or remove one"
                )
            where[name.casefold()] = file.name
            participants.append(entry)
    return {**found, "participants": participants}


def _site(file: Path) -> list[dict[str, Any]]:
    """The hospital and its people, as NVFlare participants."""
    site = _read(file)
    _check(site, _SITE, file.name)
    people = site.pop("admins", [])
    for person in people:
        _check(person, _PERSON, f"{file.name}: admins")
    client = {**site, "type": "client"}
    return [client, *({**person, "type": "admin", "org": site["org"]} for person in people)]


def _participant(entry: Any, where: str) -> dict[str, Any]:
    kind = entry.get("type") if isinstance(entry, dict) else None
    if kind == "client":
        raise ProvisionError(f"{where}: participants must be the server and admins, got a client; put it into sites/")
    if kind not in ("server", "admin"):
        raise ProvisionError(f"{where}: type must be server or admin, got {kind!r}; see provisioning/README.md")
    _check(entry, _SERVER if kind == "server" else _ADMIN, where)
    return dict(entry)


def _server(participants: list[dict[str, Any]], where: str) -> dict[str, Any]:
    servers = [entry for entry in participants if entry["type"] == "server"]
    if len(servers) != 1:
        raise ProvisionError(f"{where}: participants must hold one server, got {len(servers)}; NVFlare takes one")
    return servers[0]


def _read(file: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ProvisionError(f"{file.name} must be readable YAML, got: {reason}; mend the file") from error
    if not isinstance(found, dict):
        raise ProvisionError(f"{file.name} must be a mapping of keys, got {type(found).__name__}; mend the file")
    return found


def _check(found: Any, rules: Mapping[str, Rule], where: str) -> None:
    if not isinstance(found, dict):
        raise ProvisionError(f"{where} must be a mapping of keys, got {found!r}; mend the file")
    for key in found:
        if key not in rules:
            raise ProvisionError(f"{where}: key must be one of {', '.join(rules)}, got {key!r}; correct or remove it")
    for key, (check, rule, required) in rules.items():
        if key not in found:
            if required:
                raise ProvisionError(f"{where}: {key} must be {rule}, got nothing; add it")
        elif not check(found[key]):
            raise ProvisionError(f"{where}: {key} must be {rule}, got {found[key]!r}; correct it")


def _named(kind: str) -> Check:
    def check(value: Any) -> bool:
        return (
            isinstance(value, str)
            and len(value) <= MAX_NAME
            and value.casefold() not in RESERVED
            and value == value.strip()  # NVFlare's patterns let a line break at the end through
            and not name_check(value, kind)[0]
        )

    return check


def _whole(low: int, high: int) -> Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _capacity(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"num_of_gpus", "mem_per_gpu_in_GiB"}:
        return False
    memory = value["mem_per_gpu_in_GiB"]
    return (
        _whole(0, 1024)(value["num_of_gpus"])
        and isinstance(memory, int | float)
        and not isinstance(memory, bool)
        and 0 <= memory < 4096
    )


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and bool(value) and all(check(item) for item in value)


_text: Check = lambda value: isinstance(value, str)  # noqa: E731 - one of a table of checks
_mapping: Check = lambda value: isinstance(value, dict)  # noqa: E731
_port: Rule = (_whole(1, 65535), "a port from 1 to 65535", True)
_org: Rule = (_named("org"), f"letters, digits and underscores, at most {MAX_NAME}", True)
_role: Rule = (lambda value: value in ROLES, f"one of {', '.join(ROLES)}", True)
_person: Rule = (_named("admin"), f"an e-mail address of at most {MAX_NAME} characters", True)
_type: Rule = (_text, "a participant type of NVFlare", True)

_PROJECT: dict[str, Rule] = {
    "api_version": (lambda value: value in (3, 4) and not isinstance(value, bool), "3, or 4 with studies", True),
    "name": (_named("client"), f"letters, digits, - and _, at most {MAX_NAME}", True),
    "description": (_text, "a text", False),
    "participants": (_list_of(_mapping), "a list of participants", True),
    "studies": (_mapping, "a mapping of NVFlare studies", False),
    "builders": (_list_of(_mapping), "a list of NVFlare builders", True),
}
_SERVER: dict[str, Rule] = {
    "name": (
        lambda value: isinstance(value, str) and len(value) <= MAX_NAME and not name_check(value, "server")[0],
        f"a host name of at most {MAX_NAME} characters",
        True,
    ),
    "type": _type,
    "org": _org,
    "fed_learn_port": _port,
    "admin_port": _port,
    "default_host": (_named("host_name"), "the host name of the server", False),
    "host_names": (_list_of(_named("host_name")), "a list of host names", False),
}
_ADMIN: dict[str, Rule] = {"name": _person, "type": _type, "org": _org, "role": _role}
_SITE: dict[str, Rule] = {
    "name": (_named("client"), f"letters, digits, - and _, at most {MAX_NAME}, and no word of NVFlare's", True),
    "org": _org,
    "capacity": (_capacity, "num_of_gpus (0 or more) and mem_per_gpu_in_GiB (0 or more)", True),
    "admins": (_list_of(_mapping), "a list of people with name and role", False),
    "allow_log_streaming": (lambda value: isinstance(value, bool), "true or false", False),
}
_PERSON: dict[str, Rule] = {"name": _person, "role": _role}
