"""An admin's session with the server: whose kit it is, logging in and out."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

from nvflare.apis.fl_exception import FLCommunicationError
from nvflare.fuel.flare_api.api_spec import AuthenticationError, NoConnection
from nvflare.fuel.flare_api.flare_api import Session, new_secure_session

from fedbundle.errors import FederationError, InputError
from fedbundle.interrupts import undisturbed


@contextmanager
def session(kit: Path, study: str = "default", timeout: float = 15.0) -> Iterator[Session]:
    """Log in with an admin's kit, and log out at the end.

    Args:
        kit: an admin's startup kit.
        study: NVFlare study that jobs are submitted to and listed from.
        timeout: seconds until a server that does not answer counts as unreachable.

    Raises:
        InputError: the folder is no admin's kit.
        FederationError: the server cannot be reached, or does not know this user.
    """
    opened: Session | None = None
    try:
        with undisturbed():  # a half-made session could not be closed, and its threads keep the process alive
            opened = _logged_in(kit, study, timeout)
        yield opened
    finally:
        if opened is not None:
            with undisturbed():
                opened.close()


def _logged_in(kit: Path, study: str, timeout: float) -> Session:
    user = kit_user(kit)
    try:
        with redirect_stdout(StringIO()):  # NVFlare prints that it connects
            return new_secure_session(user, str(kit), study=study, timeout=timeout)
    except (NoConnection, AuthenticationError, FLCommunicationError) as error:
        raise FederationError(
            f"server must be reachable with kit {kit.name}, got {type(error).__name__}; "
            "is it running, and is the kit of its project?"
        ) from error


def kit_user(kit: Path) -> str:
    """The login name that an admin's startup kit belongs to.

    Raises:
        InputError: the folder is no admin's kit.
    """
    config = kit / "startup" / "fed_admin.json"
    try:
        return str(json.loads(config.read_text(encoding="utf-8"))["admin"]["username"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"kit must be an admin's startup kit with startup/fed_admin.json, got {kit}; use the kit you were sent"
        ) from error
