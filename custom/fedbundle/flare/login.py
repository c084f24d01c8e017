"""An admin's session with the server: whose kit it is, and a login that outlasts one lost message."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

from nvflare.apis.fl_exception import FLCommunicationError
from nvflare.fuel.flare_api.api_spec import AuthenticationError, NoConnection
from nvflare.fuel.flare_api.flare_api import Session, new_secure_session

from fedbundle.errors import FederationError, InputError


@contextmanager
def session(kit: Path, study: str = "default", timeout: float = 30.0) -> Iterator[Session]:
    """Log in with an admin's kit, and log out at the end.

    Args:
        kit: an admin's startup kit.
        study: NVFlare study that jobs are submitted to and listed from.
        timeout: seconds until a server that does not answer counts as unreachable.

    Raises:
        InputError: the folder is no admin's kit.
        FederationError: the server cannot be reached, or does not know this user.
    """
    opened = _login(kit, study, timeout)
    try:
        yield opened
    finally:
        opened.close()


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


def _login(kit: Path, study: str, timeout: float) -> Session:
    """NVFlare waits for a server that is not there yet, but gives up when one message is not answered in 5 s."""
    user, deadline = kit_user(kit), time.monotonic() + timeout
    while True:
        left = deadline - time.monotonic()
        try:
            with redirect_stdout(StringIO()):  # NVFlare prints that it connects
                return new_secure_session(user, str(kit), study=study, timeout=max(1.0, left))
        except FLCommunicationError as error:
            if time.monotonic() > deadline:
                raise _unreachable(kit, error) from error
        except (NoConnection, AuthenticationError) as error:
            raise _unreachable(kit, error) from error


def _unreachable(kit: Path, error: Exception) -> FederationError:
    return FederationError(
        f"server must be reachable with kit {kit.name}, got {type(error).__name__}; is it running, and of this project?"
    )
