"""What an ingest would work with now: the rules of a bundle, and what site.toml adds to them."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from fedbundle.dicom.deid.options import Options
from fedbundle.dicom.gate.overrides import with_site
from fedbundle.site.cases.workplace import Workplace
from fedbundle.site.defacing import deface_command_of
from fedbundle.site.home import SiteHome
from fedbundle.site.structure_settings import with_structures


def workplace_now(
    home: SiteHome, bundle: str, rules: dict[str, Any], dataset: Path, *, keep_dicom: bool = False
) -> Workplace:
    """The workplace of an ingest, without labels and what else is named on the command line.

    Args:
        home: the site.
        bundle: name of the bundle.
        rules: its configs/ingest.json, checked.
        dataset: folder of the dataset.
        keep_dicom: DICOM of the chosen series is written as well.

    Raises:
        SiteError: `[roles]` of site.toml names a role that the bundle does not have, `[structures]` a value that its
            label set does not have, or `[deidentify]` a program that is not there.
        InputError: DICOM would be kept of a series that is defaced.
    """
    rules = with_structures(rules, home.settings["structures"].get(bundle, {}))
    site = home.role_rules(bundle)
    with_site(rules, site)  # a role that the bundle does not have is told before anything is read
    options = Options(**{name: home.settings["deidentify"][name] for name in asdict(Options())})
    command = deface_command_of(home, rules, keep_dicom)
    return Workplace(dataset, home.key(), rules, None, keep_dicom, options=options, deface_command=command, site=site)
