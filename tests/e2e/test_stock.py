"""Bundles that nobody here wrote, federated as they are: in the simulator and over mutual TLS, then exported."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samples.stock_site import CASES, RING, SPHERE, STOCK, WRITERS, equip, write_spheres, write_stock_site

from fedbundle.bundle.archive import unpack
from fedbundle.check.check import check
from fedbundle.check.finding import EXEMPT
from fedbundle.errors import NotApprovedError
from fedbundle.files import folder_sha256
from fedbundle.flare.ledger import find
from fedbundle.flare.recipe import BundleRecipe
from fedbundle.flare.release import release
from fedbundle.site.home import SiteHome

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1200)]
SCHEMA = Path(__file__).parents[2] / "bundles" / "prostate_mri_zones" / "eval" / "schema.json"
SETTINGS: dict[str, dict[str, int]] = {
    SPHERE: {"rounds": 3, "local_epochs": 3},
    RING: {"rounds": 4, "local_epochs": 5},
}
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "federate-a-stock-bundle.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
META, USE = ("--meta_file", "configs/metadata.json"), ("--config_file", "configs/inference.json")
EVALUATE = ("--config_file", "['configs/train.json','configs/evaluate.json']")
PLACES = ("--bundle_root", ".", "--dataset_dir", "{data}")
VERBS = {
    "verify_metadata": (*META, "--filepath", "{schema}"),
    "verify_net_in_out": ("network_def", *META, *USE),
    "ckpt_export": ("network_def", "--filepath", "again.ts", "--ckpt_file", "models/model.pt", *META, *USE),
    "run": (*USE, *PLACES),
    "run evaluate": (*EVALUATE, *PLACES),
}


def blocks(kind: str) -> list[str]:
    """Code blocks of one kind on the page that tells how."""
    return [block for found, block in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if found == kind]


@pytest.mark.parametrize("bundle", [SPHERE, RING])
def test_the_simulator_trains_it_by_the_job_of_the_page(bundle: str, tmp_path: Path) -> None:
    homes = [write_stock_site(tmp_path / "homes", name, bundle, n) for n, name in enumerate(("server", "a", "b"))]
    before = [folder_sha256(home.bundle_dir(bundle)) for home in homes]
    shutil.copytree(STOCK / bundle, tmp_path / "bundles" / bundle)
    (job,) = blocks("python")
    (tmp_path / "job.py").write_text(job.replace(SPHERE, bundle))
    (command,) = [line for block in blocks("text") for line in block.splitlines() if "job.py" in line]
    settings = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS[bundle].items()]
    done = subprocess.run(
        [sys.executable, *command.split()[1:], *settings],
        cwd=tmp_path,
        env=os.environ | {"HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert [folder_sha256(home.bundle_dir(bundle)) for home in homes] == before
    improved(find(tmp_path / "results"))
    leaves_whole(bundle, tmp_path / "results", tmp_path / "data" / "a", tmp_path)


def test_the_commands_and_settings_of_the_page_work(tmp_path: Path) -> None:
    home = SiteHome.create(tmp_path / "home", "hospital-a")
    (settings,) = blocks("toml")
    data = write_spheres(tmp_path / "spheres", 1)
    with (home.path / "site.toml").open("a") as file:
        file.write(settings.replace("/data/spheres", str(data)))
    (listed,) = (json.loads(block) for block in blocks("json"))
    assert {section: {*item} for section, (item,) in listed.items()} == {key: {"image", "label"} for key in CASES}
    for bundle in (SPHERE, RING):
        shutil.copytree(STOCK / bundle, tmp_path / bundle)
        shutil.copytree(STOCK / bundle, tmp_path / "bundles" / bundle)
    for line in "".join(blocks("console")).splitlines():
        assert fedbundle(tmp_path, line.removeprefix("$ ")) == 0, line
    (leave,) = [line for block in blocks("text") for line in block.splitlines() if "--allow-python" in line]
    assert fedbundle(tmp_path, f"fedbundle install {RING}") == 0
    assert fedbundle(tmp_path, leave.removesuffix(" --allow-python")) == NotApprovedError.code
    assert fedbundle(tmp_path, leave) == 0


def fedbundle(folder: Path, command: str) -> int:
    """Exit code of a command in `folder`, for the site home in it."""
    name, *words = shlex.split(command)
    assert name == "fedbundle"
    environment = os.environ | {"FEDBUNDLE_SITE": str(folder / "home")}
    done = subprocess.run([sys.executable, "-m", name, *words], cwd=folder, env=environment, capture_output=True)
    return done.returncode


@pytest.mark.parametrize("bundle", [SPHERE, RING])
def test_hospitals_train_it_over_mutual_tls(bundle: str, consortium, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for seed, (name, home) in enumerate(consortium.homes.items()):
        equip(home, bundle, None if name == "server" else WRITERS[bundle](tmp_path / name, seed))
    before = [folder_sha256(home.bundle_dir(bundle)) for home in consortium.homes.values()]
    recipe = BundleRecipe(STOCK / bundle, quorum=3, batch_statistics="shared", **SETTINGS[bundle])
    recipe.export(str(tmp_path / "job"))
    end = consortium.run(tmp_path / "job" / bundle)
    assert end.ledger["outcome"] == "COMPLETED", end.ledger["reason"]
    assert {len(entry["sites"]) for entry in end.ledger["rounds"]} == {3}
    assert [folder_sha256(home.bundle_dir(bundle)) for home in consortium.homes.values()] == before
    improved(end.ledger)
    leaves_whole(bundle, end.result, tmp_path / consortium.hospitals[0], tmp_path)


def improved(ledger: dict[str, Any]) -> None:
    """By the bundle's own metric on validation cases, from the first weights to the selected ones."""
    assert ledger["selected"]["metric"] > ledger["rounds"][0]["metric"] + 0.2, ledger


def leaves_whole(bundle: str, result: Path, data: Path, scratch: Path) -> None:
    """The export keeps every rule that can apply, and MONAI's own verbs run on it."""
    exported = release(result, scratch / "release", STOCK / bundle)
    report = check(exported.path)
    assert not report.broken, report.text()
    assert {"dicom", "trains"} <= {finding.rule for finding in report.findings if finding.result == EXEMPT}
    root = unpack(exported.path, scratch / "clinic")
    for verb, words in VERBS.items():
        told = [word.format(data=data, schema=SCHEMA) for word in words]
        done = subprocess.run(
            [sys.executable, "-m", "monai.bundle", verb.split()[0], *told], cwd=root, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{verb}: {done.stdout[-2000:]} {done.stderr[-4000:]}"
    assert list((root / "eval").rglob("*.nii.gz" if bundle == SPHERE else "*.csv"))
