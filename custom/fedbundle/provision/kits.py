"""Startup kits: NVFlare's provisioner in a scratch folder, our policies, then moved to their place in one step."""

import contextlib
import io
import shutil
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID
from nvflare.lighter.constants import CtxKey
from nvflare.lighter.prov_utils import prepare_builders
from nvflare.lighter.provision import prepare_project
from nvflare.lighter.provisioner import Provisioner

from fedbundle.errors import OutputError, ProvisionError
from fedbundle.provision.policies import Policies
from fedbundle.provision.project import read_project


def provision(project: Path, out: Path, *, host: str | None = None, port: int | None = None) -> dict[str, Path]:
    """Make one startup kit per participant, with our policies in each.

    Kits come to `out`/<project name>/prod_NN. A second call with the same `out` keeps the root certificate and all
    certificates made before, and writes the next prod_NN. `state/` there holds the root key: keep it off the server.

    Args:
        project: project.yml, with sites/*.yml and policies/*.json beside it.
        out: folder of the kits and the certificate state; its path must hold no blank, NVFlare's scripts split it.
        host: name under which hospitals reach the server, in place of the project's `default_host`.
        port: the server's port, in place of the project's.

    Returns:
        Participant name -> kit; the server first, then the consortium's admins, then hospital by hospital.

    Raises:
        InputError: there is no such project.yml.
        ProvisionError: project, a site or a policy breaks a rule, or NVFlare cannot build it.
        OutputError: `out` cannot be written.
    """
    described = read_project(Path(project), host=host, port=port)
    policies = Policies.read(Path(project).parent / "policies")
    place = Path(out).resolve()
    if any(character.isspace() for character in str(place)):
        raise OutputError(f"out must be a path without blanks, got {place}; NVFlare's start scripts split it there")
    names = [str(entry["name"]) for entry in described["participants"]]
    home = place / described["name"]
    with _scratch(place) as scratch:
        _copy_state(home / "state", scratch / described["name"] / "state")
        built = _build(described, scratch)
        for entry in described["participants"]:
            kit = built / entry["name"]
            check_certificate(kit, entry)
            policies.write(kit)
        prod = _next_prod(home)
        _publish(scratch / described["name"] / "state", home / "state")
        built.rename(prod)
    return {name: prod / name for name in names}


def check_certificate(kit: Path, entry: dict[str, Any]) -> None:
    """A kit's certificate must still say what project and sites say; NVFlare reuses certificates by name alone.

    Raises:
        ProvisionError: organisation or host differ from the certificate made earlier, or it has expired.
    """
    file = kit / "startup" / ("server.crt" if entry["type"] == "server" else "client.crt")
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    advice = "certificates made earlier are kept: use a new name, or a new --out (which renews all of them)"
    organisation = str(certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value)
    if organisation != entry["org"]:
        raise ProvisionError(f"org of {entry['name']} must stay {organisation}, got {entry['org']}; {advice}")
    if entry["type"] == "server":
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        known = {str(name.value) for name in names}
        wanted = {entry.get("default_host", entry["name"]), *entry.get("host_names", [])}
        if wanted - known:
            raise ProvisionError(
                f"hosts of {entry['name']} must stay {', '.join(sorted(known))}, "
                f"got also {', '.join(sorted(wanted - known))}; {advice}"
            )
    if certificate.not_valid_after_utc <= datetime.now(UTC):
        raise ProvisionError(
            f"certificate of {entry['name']} must be valid, got one that ended "
            f"{certificate.not_valid_after_utc:%Y-%m-%d}; {advice}"
        )


class _Log:
    """What NVFlare's provisioner says, kept for the error message."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def debug(self, message: str) -> None:
        """Not kept."""

    def info(self, message: str) -> None:
        """Not kept."""

    def warning(self, message: str) -> None:
        """Not kept: each concerns a setting that the project's checks do not let through."""

    def error(self, message: str) -> None:
        """Kept."""
        self.errors.append(message)


def _build(described: dict[str, Any], scratch: Path) -> Path:
    """Run NVFlare's provisioner below `scratch`; returns the folder of the kits."""
    project = deepcopy(described)  # NVFlare takes the entries apart
    log = _Log()
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            context = Provisioner(str(scratch), prepare_builders(project)).provision(
                prepare_project(project), logger=log
            )
    except (ValueError, RuntimeError, TypeError, ImportError, AttributeError) as error:
        raise ProvisionError(f"project must be one that NVFlare can build, got: {error}; correct it") from error
    built = context.get(CtxKey.CURRENT_PROD_DIR)
    if context.get(CtxKey.BUILD_ERROR) or not built:
        reason = " ".join(" ".join(log.errors).split()) or "no kits were written; builders lack WorkspaceBuilder"
        raise ProvisionError(f"project must be one that NVFlare can build, got: {reason}; correct it")
    return Path(built)


@contextlib.contextmanager
def _scratch(place: Path) -> Iterator[Path]:
    """A private folder inside `place`, gone afterwards; a `place` made for it alone is gone as well."""
    made = not place.exists()
    try:
        place.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".provision.", dir=place))
    except OSError as error:
        raise OutputError(f"out must be a writable folder, got {error.strerror} for {place}; choose another") from error
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if made and not any(place.iterdir()):
            place.rmdir()


def _copy_state(state: Path, target: Path) -> None:
    target.mkdir(parents=True, mode=0o700)
    if state.is_dir():
        shutil.copytree(state, target, dirs_exist_ok=True)


def _publish(state: Path, target: Path) -> None:
    """Replace each file of the certificate state; it holds private keys, so it is readable for its owner only."""
    target.mkdir(parents=True, exist_ok=True)
    target.chmod(0o700)
    for file in sorted(item for item in state.rglob("*") if item.is_file()):
        file.chmod(0o600)
        final = target / file.relative_to(state)
        final.parent.mkdir(parents=True, exist_ok=True)
        file.replace(final)


def _next_prod(home: Path) -> Path:
    home.mkdir(exist_ok=True)
    numbers = [int(folder.name[5:]) for folder in home.glob("prod_*") if folder.name[5:].isdigit()]
    return home / f"prod_{max(numbers, default=-1) + 1:02d}"
