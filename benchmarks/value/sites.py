"""Each site's dataset: phantoms written as DICOM and ingested, as a hospital does it; kept for all cells."""

import hashlib
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version as packaged
from pathlib import Path
from typing import Any

from fedbundle.bundle.digest import recipe_digest
from fedbundle.errors import OutputError
from fedbundle.files import sha256
from fedbundle.flare.trainer import site_dataset
from fedbundle.site.dataset import SECTIONS, CheckedDataset
from fedbundle.site.home import SiteHome
from fedbundle.site.store import install
from fedbundle.verbs.everyone import Phantom
from fedbundle.verbs.steward import Ingest
from value.tasks import Task, task_of

REPOSITORY = Path(__file__).resolve().parents[2]
BUNDLES = REPOSITORY / "bundles"
CODE = (
    "custom/fedbundle/flare/*.py",
    "custom/fedbundle/bundle/declared.py",
    "custom/fedbundle/bundle/ids.py",
    *(f"benchmarks/value/{n}.py" for n in ("arms", "baselines", "cell", "oracle", "ways")),
)
PACKAGES = ("torch", "monai", "numpy", "pytorch-ignite")
TEST = "test"


def prepare(task: Task, site: str, place: Path) -> SiteHome:
    """The site's home with the bundle installed and its phantoms ingested; goes on where an earlier run stopped.

    The site's key, by which patients are split, comes from the site's name here: these patients are phantoms, and the
    same table shall come out on another machine.
    """
    dicom, home_path = place / "dicom" / site, place / "sites" / site
    seed = task.seed + int(site[-1], 36)
    phantom = Phantom(bundle=task.bundle, out=dicom, patients=task.patients, profile=site, seed=seed)
    try:
        phantom.run()
    except OutputError as error:  # begun by other code, which may draw other patients
        sys.stderr.write(f"{site}: written anew; {error}\n")
        for part in (dicom, home_path):
            shutil.rmtree(part, ignore_errors=True)
        phantom.run()
    home = SiteHome.create(home_path, site)
    (home.path / "keys" / "site.key").write_bytes(hashlib.sha256(site.encode()).digest())
    install(home, BUNDLES / task.bundle)
    Ingest(
        site=home.path,
        bundle=task.bundle,
        dicom=dicom / "dicom",
        labels=dicom / "labels.csv",
        uncompressed=True,
        no_page=True,
        max_refused="0",
    ).run()
    return home


def dataset(task: Task, home: SiteHome) -> CheckedDataset:
    """What a run meets at the site, no more of a section than the task's `most`.

    At the unseen site training cases are test cases too; its validation cases may set limits of its own.
    """
    found = site_dataset(home, task.bundle)
    if home.name != task.unseen:
        sections = {section: found.datalist[section][: task.most.get(section)] for section in SECTIONS}
        return replace(found, datalist=sections)
    tests = [item for section in ("training", TEST) for item in found.datalist[section]]
    return replace(found, datalist={**found.datalist, TEST: tests})


def pooled(datasets: Sequence[CheckedDataset]) -> CheckedDataset:
    """The union of several sites' datasets, which no hospital could have."""
    datalist = {section: [item for each in datasets for item in each.datalist[section]] for section in SECTIONS}
    return replace(datasets[0], datalist=datalist)


def version(task: Task, homes: Mapping[str, SiteHome]) -> dict[str, Any]:
    """All that a cell hangs on besides its arm and seed: plan, recipe, data, code, packages."""
    lists = {site: sha256(home.dataset_dir(task.bundle) / "datalist.json") for site, home in sorted(homes.items())}
    code = {
        str(file.relative_to(REPOSITORY)): sha256(file) for pattern in CODE for file in sorted(REPOSITORY.glob(pattern))
    }
    return {
        "plan": task.plan,
        "recipe_digest": recipe_digest(BUNDLES / task.bundle),
        "datasets": lists,
        "code": code,
        "packages": {name: packaged(name) for name in PACKAGES},
    }


if __name__ == "__main__":
    prepare(task_of(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
