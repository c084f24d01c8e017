"""The approval check of hospital and server: nothing of a bundle is loaded before it has passed."""

import os
import sys
from pathlib import Path

from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext

from fedbundle.errors import SiteError
from fedbundle.site.approvals import require
from fedbundle.site.home import SiteHome

SIMULATED_SITES = "FEDBUNDLE_SIMULATED_SITES"


def site_home(fl_ctx: FLContext) -> SiteHome:
    """The site home of the participant this process works for.

    In a kit it is the one that the kit's local/fedbundle.toml points to. NVFlare's simulator has no kits: there the
    folder named by the environment variable FEDBUNDLE_SIMULATED_SITES holds one home per participant.

    Raises:
        SiteError: there is none.
    """
    workspace = Path(fl_ctx.get_prop(FLContextKey.WORKSPACE_OBJECT).get_root_dir())
    if (workspace / "local" / "fedbundle.toml").is_file():
        return SiteHome.of_kit(workspace)
    if simulated := os.environ.get(SIMULATED_SITES):
        return SiteHome.open(Path(simulated) / fl_ctx.get_identity_name().removeprefix("simulator_"))
    raise SiteError(
        f"kit must point to a site home, got no local/fedbundle.toml in the kit of {fl_ctx.get_identity_name()}; "
        "run fedbundle site init DIR --name NAME --kit KIT"
    )


def admit(fl_ctx: FLContext, bundle: str, recipe_digest: str) -> Path:
    """Return the bundle's folder once installed, digest and approval agree, and put it first on the import path.

    Raises:
        NotInstalledError, DigestError, NotApprovedError: the message says which and what to do.
    """
    root = require(site_home(fl_ctx), bundle, recipe_digest)
    put_first(root)
    return root


def put_first(root: Path) -> None:
    """Let the bundle's own packages win over installed ones; must come before the first import of any of them.

    Python then writes no bytecode, which would go into the installed bundle.
    """
    sys.dont_write_bytecode = True
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
