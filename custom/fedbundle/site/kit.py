"""What doctor sees of an NVFlare kit: files, certificates, policies, ports, and where it points."""

import json
import socket
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from fedbundle.errors import InputError, SiteError
from fedbundle.files import read_json
from fedbundle.site.finding import Finding, examined
from fedbundle.site.home import SiteHome
from fedbundle.site.wording import many

# kind -> the file in startup/ that only this kind of kit has, its certificate, its start script
KINDS = {
    "server": ("fed_server.json", "server", "start.sh"),
    "client": ("fed_client.json", "client", "start.sh"),
    "admin": ("fed_admin.json", "client", "fl_admin.sh"),
}
POLICIES = ("local/resources.json", "local/authorization.json")
ROLES = ("project_admin", "org_admin", "lead", "member")
WARN = timedelta(days=30)
PORT_SECONDS = 3.0
OWN_STORES = "fedbundle.flare.stores."
KIT = "the kit"


def kind_of(kit: Path) -> str:
    """Return server, client or admin.

    Raises:
        InputError: the folder is no NVFlare kit.
    """
    for kind, (marker, _, _) in KINDS.items():
        if (kit / "startup" / marker).is_file():
            return kind
    raise InputError(
        f"kit must be a folder with startup/fed_server.json, fed_client.json or fed_admin.json, got {kit}; "
        "name the kit itself, as fedbundle provision wrote it"
    )


def examine(kit: Path) -> list[Finding]:
    """Everything but the summary; `kit` is any of the three kinds.

    Raises:
        InputError: the folder is no NVFlare kit.
    """
    kind = kind_of(kit)
    _, identity, _ = KINDS[kind]
    findings = [
        examined("kit", lambda: check_files(kit, kind)),
        examined("root certificate", lambda: check_certificate(kit, "rootCA.pem")),
        examined("certificate", lambda: check_certificate(kit, f"{identity}.crt")),
        examined("private key", lambda: check_private(kit / "startup" / f"{identity}.key")),
    ]
    if kind != "admin":
        findings += [
            examined("byoc", lambda: check_byoc(kit)),
            examined("class_allow_list", lambda: check_allow_list(kit)),
            examined("site home", lambda: check_pointer(kit, f"{identity}.crt")),
        ]
    if kind == "server":
        findings.append(examined("stores", lambda: check_stores(kit)))
    return [*findings, examined("server address", lambda: check_address(kit, kind))]


def check_files(kit: Path, kind: str) -> str:
    """All files a kit of this kind needs are there; SiteError names those that are not."""
    marker, identity, start = KINDS[kind]
    needed = [f"startup/{name}" for name in (marker, f"{identity}.crt", f"{identity}.key", "rootCA.pem", start)]
    needed += POLICIES if kind != "admin" else ()
    if missing := [name for name in needed if not (kit / name).is_file()]:
        raise SiteError(f"kit must hold {', '.join(missing)}, got none; ask the consortium admin for a complete kit")
    return f"{kind} kit, complete"


def check_certificate(kit: Path, name: str) -> str:
    """Issued by the kit's own root and valid for at least 30 more days; SiteError otherwise."""
    certificate, root = _certificate(kit / "startup" / name), _certificate(kit / "startup" / "rootCA.pem")
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise SiteError(f"{name} must be issued by rootCA.pem of the kit, got another issuer; renew the kit") from error
    ends, now = certificate.not_valid_after_utc, datetime.now(UTC)
    if certificate.not_valid_before_utc > now:
        raise SiteError(
            f"{name} must be valid now, got a start on {certificate.not_valid_before_utc:%Y-%m-%d}; set the clock"
        )
    if ends - now < WARN:
        state = "ended" if ends < now else "ends"
        raise SiteError(
            f"{name} must be valid for 30 more days, got one that {state} on {ends:%Y-%m-%d}; renew the kit"
        )
    return f"{name} of {_common_name(certificate)} ends on {ends:%Y-%m-%d}, in {many((ends - now).days, 'day')}"


def check_private(path: Path) -> str:
    """Nobody but the owner can read the file; SiteError otherwise."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise SiteError(f"{path.name} must be there, got {error.strerror}; restore it or renew the kit") from error
    if mode & 0o077:
        raise SiteError(f"{path.name} must be readable by its owner only, got mode {mode:03o}; run chmod 600 {path}")
    return f"{path.name} is readable by its owner only"


def check_byoc(kit: Path) -> str:
    """BYOC is `none` for each of the four roles, so that no job brings code; SiteError names the roles."""
    permissions = _effective(kit, "authorization.json").get("permissions", {})
    rights = {role: permissions.get(role) for role in {*ROLES, *permissions}}
    bad = sorted(role for role, right in rights.items() if not isinstance(right, dict) or right.get("byoc") != "none")
    if bad:
        raise SiteError(
            f"byoc must be none for every role, got another right for {', '.join(bad)}; "
            "write it into local/authorization.json and restart, or renew the kit"
        )
    return "none for every role"


def check_allow_list(kit: Path) -> str:
    """Enforced, exact class paths only, no class that takes a command from a job; SiteError names the entry."""
    if not (kit / "local" / "resources.json").is_file():
        raise SiteError("local/resources.json must be there, got none: NVFlare's own list applies; renew the kit")
    for file in sorted((kit / "local").glob("*resources.json")):
        resources = _object(file)
        if file.name != "resources.json" and "class_allow_list" not in resources:
            continue
        if resources.get("class_list_enforcement_mode", "enforce") != "enforce":
            raise SiteError(f"class_list_enforcement_mode in {file.name} must be enforce, got another; mend the file")
        entries = resources.get("class_allow_list")
        if not isinstance(entries, list) or not entries:
            raise SiteError(f"class_allow_list in {file.name} must name classes, got none; renew the kit")
        for entry in entries:
            if not _exact(entry):
                raise SiteError(
                    f"class_allow_list must hold exact class paths, got {entry!r}; name the classes themselves"
                )
            if "ClientAPI" in entry.rpartition(".")[2]:
                raise SiteError(
                    f"class_allow_list must hold no class that takes a command from a job, got {entry}; "
                    "remove it: with it on the list any submitter runs a shell here"
                )
    return many(len(_object(kit / "local" / "resources.json")["class_allow_list"]), "exact class path")


def check_pointer(kit: Path, certificate: str) -> str:
    """The kit points to a site home of the name in its certificate, with the same GPUs; SiteError otherwise."""
    home, name = SiteHome.of_kit(kit), _common_name(_certificate(kit / "startup" / certificate))
    if home.name != name:
        raise SiteError(
            f"kit of {name} must point to its own site home, got that of {home.name}; run fedbundle site init"
        )
    promised = home.settings["gpus"]["count"]
    for component in _components(_effective(kit, "resources.json")):
        arguments = component.get("args") or {}
        if arguments.get("num_of_gpus", promised) != promised:
            raise SiteError(
                f"kit and site.toml must promise the same GPUs, got {arguments['num_of_gpus']} and {promised}; "
                "change [gpus] in site.toml or num_of_gpus in local/resources.json"
            )
    return f"points to the home of {home.name}"


def check_stores(kit: Path) -> str:
    """Job and snapshot stores lie inside the kit; SiteError names the one that does not.

    Our own store classes find the kit they run from; NVFlare's take an absolute path.
    """
    resources, root = _effective(kit, "resources.json"), kit.resolve()
    stores = {"snapshot_persistor": resources.get("snapshot_persistor", {})}
    stores |= {c["id"]: c for c in _components(resources.get("components")) if c.get("id") == "job_manager"}
    if missing := {"snapshot_persistor", "job_manager"} - {name for name, store in stores.items() if store}:
        raise SiteError(f"local/resources.json must set {', '.join(sorted(missing))}, got none; renew the kit")
    for name, store in stores.items():
        places = [place for part in _components(store) for place in _places(part)]
        if not places or not all(place == KIT or _inside(root, Path(place)) for place in places):
            raise SiteError(
                f"{name} in local/resources.json must store inside the kit, got {', '.join(places) or 'no path'}; "
                "elsewhere federations share it or a reboot empties it: renew the kit"
            )
    return "jobs and snapshots stay inside the kit"


def check_address(kit: Path, kind: str) -> str:
    """A server's ports are free or answer; from elsewhere they answer; SiteError otherwise."""
    marker, _, _ = KINDS[kind]
    start = _object(kit / "startup" / marker)
    try:
        if kind == "admin":
            host, ports = start["admin"]["host"], [int(start["admin"]["port"])]
        else:
            service = start["servers"][0]
            host, _, port = service["service"]["target"].rpartition(":")
            ports = sorted({int(port), int(service.get("admin_port", port))})
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise SiteError(f"startup/{marker} must name the server's address, got {error!r}; renew the kit") from error
    if kind == "server":
        return ", ".join(f"port {port} {_own_port(port)}" for port in ports)
    for port in ports:
        _connect(host, port)
    return f"{host}:{', '.join(map(str, ports))} answers"


def _own_port(port: int) -> str:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        try:
            probe.bind(("", port))
        except PermissionError as error:
            raise SiteError(
                f"port {port} must be open to this account, got {error.strerror}; use one over 1023"
            ) from error
        except OSError:
            return "answers (the server, if it runs)" if _connect("localhost", port) else ""
    return "is free"


def _connect(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=PORT_SECONDS):
            return True
    except OSError as error:
        raise SiteError(
            f"{host}:{port} must be reachable, got: {error}; start the server, or open this outgoing port and its name"
        ) from error


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SiteError(f"{path.name} must be a readable certificate, got: {error}; renew the kit") from error


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else "nobody"


def _exact(entry: Any) -> bool:
    return isinstance(entry, str) and "." in entry and all(part.isidentifier() for part in entry.split("."))


def _effective(kit: Path, name: str) -> dict[str, Any]:
    """The policy file that NVFlare reads: `name`, or `name.default` where that is absent."""
    own = kit / "local" / name
    return _object(own if own.is_file() else own.with_name(f"{name}.default"))


def _object(path: Path) -> dict[str, Any]:
    try:
        value = read_json(path)
    except InputError as error:
        raise SiteError(str(error)) from error
    if not isinstance(value, dict):
        raise SiteError(f"{path.name} must be a JSON object, got {json.dumps(value)[:40]}; renew the kit")
    return value


def _components(value: Any) -> Iterator[dict[str, Any]]:
    """Every object with a `path`, a class to build, however deep."""
    if isinstance(value, dict):
        if isinstance(value.get("path"), str):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _components(item)


def _inside(root: Path, place: Path) -> bool:
    return place.is_absolute() and place.resolve().is_relative_to(root)


def _places(component: dict[str, Any]) -> list[str]:
    """Where a store puts its files: absolute paths, or KIT for a class that finds the kit itself."""
    if component["path"].startswith(OWN_STORES):
        return [KIT]
    arguments = component.get("args") or {}
    # in a storage, uri_root "/" is the root of names and no path of the machine
    return [str(arguments[key]) for key in ("root_dir", "uri_root") if arguments.get(key, "/") != "/"]
