"""The policies that every kit carries in local/: who may do what, which classes a job may name, where things lie."""

import ast
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fedbundle.errors import InputError, ProvisionError
from fedbundle.files import read_json, write_json
from fedbundle.provision.project import ROLES
from fedbundle.site.kit import kind_of

ALLOW_LIST = "class_allow_list"
CLASS_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
SHELLS = {  # these take what they run from the job: a shell at the hospital for every submitter
    "nvflare.app_common.executors.client_api_executor.ClientAPIExecutor",
    "nvflare.app_common.executors.multi_process_executor.MultiProcessExecutor",
}
KEYS = {
    "server": {ALLOW_LIST, "components", "servers", "snapshot_persistor"},
    "client": {ALLOW_LIST, "components", "client"},
}


@dataclass(frozen=True)
class Policies:
    """What lies in provisioning/policies/, checked.

    `authorization` is NVFlare's authorization.json as it is; `server` and `client` change NVFlare's
    resources.json.default: the allow list is replaced, a component with `path` replaces or joins those of the default
    by its id, one without gets its `args` merged, and other mappings are merged.
    """

    authorization: dict[str, Any]
    server: dict[str, Any]
    client: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "Policies":
        """Read and check the three files of `folder`.

        Raises:
            ProvisionError: a file is missing or breaks a rule; the message names file and entry.
        """
        names = ("authorization", "server", "client")
        found = {name: _object(folder / f"{name}.json") for name in names}
        _check_authorization(found["authorization"])
        for kind in KEYS:
            _check_resources(found[kind], kind)
        return cls(**found)

    def write(self, kit: Path) -> None:
        """Write local/authorization.json and local/resources.json of a server's or hospital's kit; admins get none."""
        kind = kind_of(kit)
        if kind == "admin":
            return
        local = kit / "local"
        resources = _object(local / "resources.json.default")
        changed = _merged(resources, self.server if kind == "server" else self.client, f"{kind}.json")
        write_json(local / "authorization.json", self.authorization)
        write_json(local / "resources.json", changed)


def check_class(path: Any, where: str) -> None:
    """An entry of an allow list: the exact path of a class, in the module that defines it.

    NVFlare would also take a prefix, and a prefix admits whatever a module imports.

    Raises:
        ProvisionError: it is a prefix, a pattern, no class of that module, or a class that runs what a job says.
    """
    if not isinstance(path, str) or not CLASS_PATH.fullmatch(path):
        raise ProvisionError(f"{where}: entry must be an exact dotted class path, got {path!r}; prefixes open modules")
    if path in SHELLS:
        raise ProvisionError(f"{where}: entry must not take a command from a job, got {path}; list our own executor")
    module, _, name = path.rpartition(".")
    if name not in _classes(module):
        raise ProvisionError(f"{where}: entry must be a class that its module defines, got {path}; correct the path")


def _classes(module: str) -> set[str]:
    """Names of the top-level classes in a module's source, which is read and not run."""
    try:
        spec = find_spec(module)
    except ImportError:
        return set()
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return set()
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def _check_authorization(found: dict[str, Any]) -> None:
    permissions = found.get("permissions")
    for role in ROLES:
        rights = permissions.get(role) if isinstance(permissions, dict) else None
        if not isinstance(rights, dict) or "byoc" not in rights:
            raise ProvisionError(
                f"authorization.json: {role} must list its rights and `byoc` among them, got {rights!r}; "
                "a single word would grant code in jobs unseen"
            )


def _check_resources(found: dict[str, Any], kind: str) -> None:
    where = f"{kind}.json"
    for key in found:
        if key not in KEYS[kind]:
            raise ProvisionError(f"{where}: key must be one of {', '.join(sorted(KEYS[kind]))}, got {key!r}; remove it")
    entries = found.get(ALLOW_LIST)
    if not isinstance(entries, list) or not entries:
        raise ProvisionError(f"{where}: {ALLOW_LIST} must list classes, got {entries!r}; without it no job runs")
    for entry in entries:
        check_class(entry, f"{where}: {ALLOW_LIST}")
    for component in found.get("components", []):
        if not isinstance(component, dict) or not isinstance(component.get("id"), str):
            raise ProvisionError(f"{where}: components must have an id, got {component!r}; add it")
        if "path" in component:
            check_class(component["path"], f"{where}: {component['id']}")


def _merged(default: dict[str, Any], change: dict[str, Any], where: str) -> dict[str, Any]:
    result = dict(default)
    for key, value in change.items():
        if key == "components":
            result[key] = _merged_components(default[key], value, where)
        elif isinstance(value, dict) and isinstance(default.get(key), dict) and "path" not in value:
            result[key] = _merged(default[key], value, where)
        else:
            result[key] = value
    return result


def _merged_components(default: list[dict[str, Any]], change: list[dict[str, Any]], where: str) -> list[dict[str, Any]]:
    components = {component["id"]: component for component in default}
    for component in change:
        name = component["id"]
        if "path" in component:
            components[name] = component
        elif name in components:
            old = components[name]
            components[name] = {**old, "args": {**old.get("args", {}), **component.get("args", {})}}
        else:
            known = ", ".join(components)
            raise ProvisionError(f"{where}: component without path must be one of {known}, got {name!r}; give its path")
    return list(components.values())


def _object(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except InputError as error:
        raise ProvisionError(str(error)) from error
    if not isinstance(found, dict):
        raise ProvisionError(f"{path.name} must be a JSON object, got {type(found).__name__}; mend the file")
    return found
