"""The site's store of bundles: self-contained copies, installed whole or not at all."""

import tempfile
from pathlib import Path

from fedbundle.bundle.archive import unpack
from fedbundle.bundle.digest import recipe_digest, short
from fedbundle.bundle.layout import Bundle
from fedbundle.bundle.record import check_record
from fedbundle.bundle.vendor import copy_bundle
from fedbundle.errors import DigestError, InputError
from fedbundle.files import new_folder
from fedbundle.site.home import SiteHome


def install(home: SiteHome, bundle: Path) -> tuple[str, str]:
    """Put a bundle folder or an exported zip into the store; a version that is there already is replaced.

    An approval goes with the digest: after a change of the recipe the steward has to approve again.

    Returns:
        The bundle's name and the recipe digest of the installed copy.

    Raises:
        InputError: neither a folder nor a zip.
        BundleError: the bundle breaks its contract.
        DigestError: an exported bundle is not what its own digests.json says.
    """
    if bundle.is_dir():
        return _install_folder(home, bundle)
    if not bundle.is_file():
        raise InputError(f"bundle must be a folder or a zip, got {bundle}; check the path")
    with tempfile.TemporaryDirectory(prefix=".unpack.", dir=home.path / "bundles") as scratch:
        return _install_folder(home, unpack(bundle, Path(scratch)))


def _install_folder(home: SiteHome, folder: Path) -> tuple[str, str]:
    bundle = Bundle.open(folder)
    check_record(bundle.root)
    wanted = recipe_digest(bundle.root)
    with home.lock(), new_folder(home.bundle_dir(bundle.name)) as part:
        copy_bundle(bundle.root, part)
        digest = recipe_digest(part)
        if digest != wanted:
            raise DigestError(
                f"installed copy of {bundle.name} must have recipe digest {short(wanted)}, got {short(digest)}; "
                "the bundle changed while it was copied: install it again"
            )
    return bundle.name, digest
