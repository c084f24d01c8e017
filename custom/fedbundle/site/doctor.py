"""Doctor: looks at a site home or a kit, changes nothing, and says what to mend."""

import json
import os
import stat
from pathlib import Path

from fedbundle.bundle.digest import recipe_digest, short
from fedbundle.bundle.layout import NAME, Bundle, own_python
from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.errors import DatasetError, SiteError
from fedbundle.files import folder_sha256
from fedbundle.site import kit as kits
from fedbundle.site.approvals import decisions, last_decision
from fedbundle.site.binding import Binding
from fedbundle.site.bound_dataset import bound_dataset
from fedbundle.site.cases.outdated import REMEDY, Outdated
from fedbundle.site.dataset import ExaminedDataset, needed_keys, remedy, straddling_told, unfit_told
from fedbundle.site.finding import Finding, examined
from fedbundle.site.folder import JOURNAL, busy, remains
from fedbundle.site.home import FOLDERS, SiteHome
from fedbundle.site.host import examine_host
from fedbundle.site.journal import dicom_of, read_cases
from fedbundle.site.present import workplace_now
from fedbundle.site.spool import forgotten
from fedbundle.site.wording import many

MOST_TOLD = 5  # cases

__all__ = ["Finding", "examine_kit", "examine_site"]


def examine_site(home: SiteHome) -> list[Finding]:
    """Machine, keys, bundles with their approvals, datasets file by file; the last finding says what to do."""
    findings = [
        examined("site.toml", lambda: _site_toml(home)),
        *examine_host(home),
        examined("keys", lambda: _keys(home)),
        examined("approvals", lambda: f"{many(len(decisions(home)), 'decision')}, signed and unbroken"),
        examined("runs", lambda: _runs(home)),
        examined("copies", lambda: _copies(home)),
        examined("store", lambda: _store(home)),
        examined("rights", lambda: _rights(home)),
    ]
    findings += [_bundle(home, name) for name in home.installed()]
    findings += [_dataset(home, name) for name in _datasets(home)]
    return _with_summary(findings)


def examine_kit(kit: Path) -> list[Finding]:
    """Files, certificates, policies, ports and site home of an NVFlare kit; the last finding says what to do.

    Raises:
        InputError: the folder is no kit.
    """
    return _with_summary(kits.examine(kit))


def _with_summary(findings: list[Finding]) -> list[Finding]:
    bad = [finding.subject for finding in findings if not finding.ok]
    todo = f"mend {len(bad)}: {', '.join(bad)}; then run doctor again" if bad else "nothing"
    return [*findings, Finding(not bad, "to do", todo)]


def _site_toml(home: SiteHome) -> str:
    if wrong := home.misnamed():
        raise SiteError(
            f"site.toml must name installed bundles, got {', '.join(wrong)}; mend the name or install the bundle"
        )
    return f"valid, site {home.name}"


def _copies(home: SiteHome) -> str:
    if left := forgotten(home):
        raise SiteError(
            "copies of patients' images must go with the run that made them, got those of a killed one in "
            f"{', '.join(map(str, left))}; run any fedbundle ingest, which removes them, or remove them now"
        )
    return "no images of patients left by a killed ingest"


def _keys(home: SiteHome) -> str:
    home.key()
    folder = stat.S_IMODE((home.path / "keys").stat().st_mode)
    if folder & 0o077:
        raise SiteError(f"keys/ must be open to its owner only, got mode {folder:03o}; run chmod 700 on it")
    return kits.check_private(home.path / "keys" / "site.key")


def _rights(home: SiteHome) -> str:
    places = [home.path, *(home.path / name for name in FOLDERS), *map(home.dataset_dir, _datasets(home))]
    closed = [place.name for place in places if place.is_dir() and not os.access(place, os.W_OK | os.X_OK)]
    if closed:
        raise SiteError(f"this account must be able to write everywhere, got no right for {', '.join(closed)}; mend it")
    return "this account can write everywhere"


def _runs(home: SiteHome) -> str:
    try:
        lines = (home.path / "runs.jsonl").read_text(encoding="utf-8").splitlines()
        jobs = {json.loads(line)["job"] for line in lines}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SiteError(
            f"runs.jsonl must hold one JSON object per line, got {error!r}; restore it from a backup"
        ) from error
    return f"{many(len(jobs), 'job')} used data of this site"


def _store(home: SiteHome) -> str:
    folder = home.path / "bundles"
    strange = sorted(entry.name for entry in folder.iterdir() if not (entry.is_dir() and NAME.fullmatch(entry.name)))
    if strange:
        raise SiteError(f"bundles/ must hold bundles only, got {', '.join(strange)}; remove what an interruption left")
    return f"{many(len(home.installed()), 'bundle')} installed"


def _bundle(home: SiteHome, name: str) -> Finding:
    def check() -> str:
        bundle = Bundle.open(home.bundle_dir(name))
        digest, last = recipe_digest(bundle.root), last_decision(home, name)
        installed = f"{bundle.version}, recipe {digest}"
        if last is None:
            return f"{installed}, not approved: jobs that name it are refused until fedbundle approve {name}"
        if last["action"] != "approve":
            return f"{installed}, approval withdrawn on {last['time']} by {last['by']}"
        if last["recipe_digest"] != digest:
            raise SiteError(
                f"{installed} must be the approved recipe, got approval of {short(last['recipe_digest'])}; "
                f"review it and run fedbundle approve {name}, or install the approved version again"
            )
        if own_python(bundle.root) and last.get("python") is not True:
            raise SiteError(
                f"{installed} must have leave to run the Python that it brings, got none; read it and run "
                f"fedbundle approve {name} --allow-python"
            )
        return f"{installed}, approved on {last['time']} by {last['by']} ({last['scan']})"

    return examined(f"bundle {name}", check)


def _datasets(home: SiteHome) -> list[str]:
    found = {entry.name for entry in (home.path / "datasets").iterdir() if NAME.fullmatch(entry.name)}
    return sorted({*found, *home.settings["datasets"], *home.installed()})


def _dataset(home: SiteHome, name: str) -> Finding:
    def check() -> str:
        if name in home.installed() and (bundle := Bundle.open(home.bundle_dir(name))).stock:
            return _bound(home, bundle)
        folder = home.place_for_dataset(name)
        if not folder.exists():
            return "none here; fedbundle ingest makes one"
        _no_remains(folder)
        installed = name in home.installed()
        rules = Bundle.open(home.bundle_dir(name)).ingest_rules if installed else None
        needed = needed_keys(rules) if rules else frozenset[str]()
        try:
            examined = ExaminedDataset.of(folder, needed, ingest_rules=rules, remember=False)
            told = ", ".join(f"{count} {section}" for section, count in examined.listed_cases().items())
            if straddling := examined.straddling():
                raise DatasetError(f"{straddling_told(len(straddling))} ({_some(straddling)})")
            if examined.found.lost:
                raise DatasetError(_lost_told(examined, told))
            examined.checked(0.0)
        except OSError as error:
            raise DatasetError(f"dataset must be readable, got {error.strerror} inside it; mend its rights") from error
        kept = _kept_dicom(folder)
        noted = _as_site_toml_says(home, name, folder) if installed else ""
        contract = ", within the data contract" if installed else ""
        return f"{told}; every file as it was ingested{contract}{kept}{noted}"

    return examined(f"dataset {name}", check)


def _bound(home: SiteHome, bundle: Bundle) -> str:
    """The dataset of a stock bundle, which the hospital has prepared by its own means."""
    if bundle.name not in home.settings["bindings"]:
        return f"none bound here; [bindings.{bundle.name}] of site.toml binds one"
    Binding.of(home, bundle)
    dataset = bound_dataset(home, bundle)
    told = ", ".join(f"{len(items)} {section}" for section, items in dataset.datalist.items())
    return f"{told}; bound by site.toml, their files are there and not looked into"


def _lost_told(examined: ExaminedDataset, listed: str) -> str:
    """Every case that no run can use by its pseudonym, with the reason, and what that leaves."""
    lost = examined.found.lost
    named = "; ".join(
        f"{code}: {', '.join(each.told() for each in lost if each.code == code)}"
        for code in dict.fromkeys(each.code for each in lost)
    )
    try:
        examined.checked(1.0)
    except DatasetError as error:
        left = f"; {error}"
    else:
        left = f"; {remedy({each.code for each in lost})}"
    return (
        "cases must have all inputs, a mask, the files of their ingest and keep the bundle's data contract, got "
        f"{many(len(lost), 'case that has', 'cases that have')} not, of {listed} ({named}){left}"
    )


def _as_site_toml_says(home: SiteHome, name: str, folder: Path) -> str:
    """Compare what cases were made under with the present settings and rules; what to tell when none is another."""
    if not (folder / JOURNAL).is_file():
        return ""
    rules = checked_rules(Bundle.open(home.bundle_dir(name)).ingest_rules)
    outdated = Outdated.of(read_cases(folder / JOURNAL), workplace_now(home, name, rules, folder))
    if outdated.privacy:
        raise DatasetError(f"{unfit_told(len(outdated.privacy))} ({_some(list(outdated.privacy))})")
    if outdated.rules:
        raise DatasetError(
            f"cases must be made by the rules that bundle and site have now, got {len(outdated.rules)} of "
            f"{outdated.cases} made by others ({_some(list(outdated.rules))}); {REMEDY}"
        )
    return f"; of {len(outdated.unknown)} cases it is not noted how they were made" if outdated.unknown else ""


def _no_remains(folder: Path) -> None:
    try:
        left = [entry.relative_to(folder).as_posix() for entry in remains(folder)]
        working = bool(left) and busy(folder)
    except OSError as error:
        raise DatasetError(f"dataset must be readable, got {error.strerror} inside it; mend its rights") from error
    if left and not working:
        raise DatasetError(
            f"dataset must hold no remains of an interrupted ingest, which may show patients, got {_some(left)}; "
            "run the same fedbundle ingest again, which clears them"
        )


def _some(cases: list[str]) -> str:
    return ", ".join(cases[:MOST_TOLD]) + (", ..." if len(cases) > MOST_TOLD else "")


def _kept_dicom(folder: Path) -> str:
    """Compare kept DICOM with its digests at ingest, folder by folder; nothing to tell where none was kept."""
    try:
        cases = read_cases(folder / JOURNAL) if (folder / JOURNAL).is_file() else {}
        kept = {case: dicom_of(lines) for case, lines in cases.items() if dicom_of(lines)}
        lost = sum(
            any(folder_sha256(folder / f["path"]) != f["sha256"] for f in each.values()) for each in kept.values()
        )
    except OSError as error:
        raise DatasetError(f"kept DICOM must be readable, got {error.strerror} inside it; mend its rights") from error
    if lost:
        raise DatasetError(
            f"kept DICOM must be as it was ingested, got a changed, lost or added file in {lost} of "
            f"{many(len(kept), 'case')}; "
            "ingest again, with --keep-dicom"
        )
    return f", with the DICOM of {many(len(kept), 'case')}" if kept else ""
