"""The command line: one verb = one dataclass with `.run()`; work is imported only when a verb runs."""

import json
import signal
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import tyro
from tyro.conf import Positional

from fedbundle import __version__
from fedbundle.errors import FedbundleError

INTERRUPTED = 130

HELP = (tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone)
"""No `--no-json`, and no word `None` to type: what is not wanted is left out."""


@dataclass(frozen=True)
class Outcome:
    """What a verb tells: `text` for people, `data` for machines, `code` for the shell."""

    text: str
    data: dict[str, Any] = field(default_factory=dict)
    code: int = 0


@dataclass(frozen=True, kw_only=True)
class Verb(ABC):
    """Base of all verbs."""

    role: ClassVar[str]

    json: bool = False
    """Print one JSON object instead of text."""

    done: dict[str, Any] = field(default_factory=dict, init=False)
    """What has been done for good; machines are told of it however the work ends."""

    @abstractmethod
    def run(self) -> Outcome:
        """Do the work."""


@dataclass(frozen=True, kw_only=True)
class SiteVerb(Verb):
    """A verb that works on a site home."""

    site: Path | None = None
    """Site home; default: the environment variable FEDBUNDLE_SITE."""

    def home(self) -> Any:
        """Open the site home."""
        from fedbundle.site.home import SiteHome

        return SiteHome.open(self.site)


@dataclass(frozen=True, kw_only=True)
class Provision(Verb):
    """Make startup kits with our policies from project.yml and sites/*.yml."""

    role = "consortium admin"

    project: Path = Path("provisioning/project.yml")
    """Project file; the hospitals stand in the folder `sites/` beside it."""

    out: Path = Path("provisioning/workspace")
    """Where the kits and the certificate state go; keep it secret, it holds the root key."""

    def run(self) -> Outcome:
        """Provision."""
        from fedbundle.provision.kits import provision

        kits = provision(self.project, self.out)
        lines = "\n".join(f"  {name:32} {path}" for name, path in kits.items())
        return Outcome(f"{len(kits)} kits\n{lines}", {"kits": {name: str(path) for name, path in kits.items()}})


@dataclass(frozen=True, kw_only=True)
class SiteInit(Verb):
    """Make a site home, and point an NVFlare kit to it."""

    role = "hospital data steward"

    directory: Positional[Path]
    """The new site home."""

    name: str
    """The site's name in the federation, as in its kit."""

    kit: Path | None = None
    """NVFlare startup kit that shall use this home; can be given again for a reissued kit."""

    def run(self) -> Outcome:
        """Create."""
        from fedbundle.site.home import SiteHome

        home = SiteHome.create(self.directory, self.name)
        if self.kit:
            home.point_kit(self.kit)
        return Outcome(f"site home of {home.name} in {home.path}", {"site": home.name, "path": str(home.path)})


@dataclass(frozen=True, kw_only=True)
class Install(SiteVerb):
    """Put a bundle (folder or exported zip) into the site's store."""

    role = "hospital data steward"

    bundle: Positional[Path]
    """Bundle folder or exported zip."""

    def run(self) -> Outcome:
        """Install."""
        from fedbundle.site.store import install

        name, digest = install(self.home(), self.bundle)
        return Outcome(f"{name} installed, recipe digest {digest}", {"bundle": name, "recipe_digest": digest})


@dataclass(frozen=True, kw_only=True)
class Approve(SiteVerb):
    """Approve exactly the installed recipe digest of a bundle for training here."""

    role = "hospital data steward"

    bundle: Positional[str]
    """Name of an installed bundle."""

    by: str | None = None
    """Who decides; default: the name of the logged-in account."""

    allow_python: bool = False
    """Let the bundle run the Python that it brings besides fedblocks; read it first."""

    def run(self) -> Outcome:
        """Approve."""
        from fedbundle.site.approvals import approve

        entry = approve(self.home(), self.bundle, self.by, self.allow_python)
        return Outcome(
            f"{self.bundle} approved, recipe digest {entry['recipe_digest']}\n"
            "not scanned: no static scan of this bundle's configs has been made",
            entry,
        )


@dataclass(frozen=True, kw_only=True)
class Unapprove(SiteVerb):
    """Withdraw the approval of a bundle."""

    role = "hospital data steward"

    bundle: Positional[str]
    """Name of the bundle."""

    by: str | None = None
    """Who decides; default: the name of the logged-in account."""

    def run(self) -> Outcome:
        """Withdraw."""
        from fedbundle.site.approvals import unapprove

        entry = unapprove(self.home(), self.bundle, self.by)
        return Outcome(f"{self.bundle} is no longer approved (it was not scanned)", entry)


@dataclass(frozen=True, kw_only=True)
class Ingest(SiteVerb):
    """Read DICOM into a checked, de-identified dataset for a bundle."""

    role = "hospital data steward"

    bundle: str
    """Bundle whose configs/ingest.json says what is wanted: name of an installed bundle or a bundle folder."""

    dicom: Path | None = None
    """Folder with DICOM files, searched recursively, or a zip; names and extensions do not matter."""

    dicomweb: str | None = None
    """URL of a DICOMweb service instead; credentials stand in [dicomweb.NAME] of site.toml, never here."""

    pacs: str | None = None
    """NAME of a PACS instead, as [pacs.NAME] of site.toml describes it (C-FIND with C-GET or C-MOVE)."""

    studies: Path | None = None
    """Studies wanted of a server: one StudyInstanceUID per line, or a CSV that begins with them; default: --labels."""

    labels: Path | None = None
    """CSV with study_instance_uid, mask and the bundle's columns, or a folder with DICOM SEG and RTSTRUCT."""

    exclude: Path | None = None
    """Take the patients out whom this text file names, one PatientID, StudyInstanceUID or pseudonym per line."""

    out: Path | None = None
    """Dataset folder; default: datasets/<bundle> of the site home."""

    max_refused: str = "5%"
    """Budget of studies that may be refused, in per cent or as a count; more is exit code 22."""

    reviewed: Path | None = None
    """Cases refused as TEXT_IN_PIXELS whose radiographs a person has looked at: a text file, one pseudonym per line."""

    uncompressed: bool = False
    """Write .nii instead of .nii.gz: larger, and faster to write and to read."""

    keep_dicom: bool = False
    """Also write the de-identified DICOM beside the volumes."""

    no_page: bool = False
    """Leave qc.html out, which reads every new case once more."""

    explain: str | None = None
    """Change nothing; print in which folders of --dicom the study lies that has this pseudonym in ingest.jsonl."""

    def run(self) -> Outcome:
        """Ingest."""
        if self.explain is not None:
            from fedbundle.errors import InputError
            from fedbundle.site.explain import explain

            if self.exclude:
                raise InputError("--explain must stand without --exclude, got both; give them in two commands")
            if self.dicom is None:
                raise InputError("--explain must come with --dicom, got none; give the folder or zip that was ingested")
            folders = [str(folder) for folder in explain(self.home(), self.dicom, self.explain)]
            return Outcome("\n".join(folders), {"case": self.explain, "folders": folders})
        if self.exclude:
            from fedbundle.site.exclude import exclude

            source = self._source() if self.dicom or self.dicomweb or self.pacs else None
            done = exclude(self.home(), self.bundle, self.exclude, self.out, self.dicom)
            self.done["exclusion"] = done.data()
            if source is None:
                return Outcome(done.text())
            if not self.json:  # now: it must not be lost when what follows fails
                _say(done.text())
                sys.stdout.flush()
            return self._ingested(source)
        return self._ingested(self._source())

    def _source(self) -> Any:
        from fedbundle.site.sources import chosen_source

        return chosen_source(self.home(), self.dicom, self.dicomweb, self.pacs, self.studies, self.labels)

    def _ingested(self, source: Any) -> Outcome:
        from fedbundle.site.ingest import ingest

        report = ingest(
            self.home(),
            self.bundle,
            source,
            self.labels,
            self.out,
            self.max_refused,
            self.keep_dicom,
            compress=not self.uncompressed,
            reviewed=self.reviewed,
            page=not self.no_page,
        )
        return Outcome(report.text(), report.data())


@dataclass(frozen=True, kw_only=True)
class Doctor(SiteVerb):
    """Check a site home or a kit: host, programs, versions, GPUs, datasets, policies; changes nothing."""

    role = "hospital data steward"

    kit: Path | None = None
    """Check this NVFlare kit instead of a site home."""

    def run(self) -> Outcome:
        """Examine."""
        from fedbundle.errors import UnhealthyError
        from fedbundle.site.doctor import examine_kit, examine_site

        findings = examine_kit(self.kit) if self.kit else examine_site(self.home())
        bad = [finding for finding in findings if not finding.ok]
        text = "\n".join(f"{'ok  ' if f.ok else 'MEND'}  {f.subject:24} {f.message}" for f in findings)
        return Outcome(text, {"findings": [vars(f) for f in findings]}, UnhealthyError.code if bad else 0)


@dataclass(frozen=True, kw_only=True)
class Check(Verb):
    """Try a bundle against every rule of its contract; runs the bundle's code, as training does."""

    role = "data scientist"

    bundle: Positional[Path]
    """Bundle folder or exported zip."""

    full: bool = False
    """Also try the size `full` on this machine: some minutes and 8 GB of memory."""

    def run(self) -> Outcome:
        """Check."""
        from fedbundle.check.check import check
        from fedbundle.errors import CheckError

        report = check(self.bundle, self.full)
        return Outcome(report.text(), report.data(), CheckError.code if report.broken else 0)


@dataclass(frozen=True, kw_only=True)
class Ledger(Verb):
    """Show who took part in a run; fails when the run fell short of what it declared."""

    role = "data scientist"

    result: Positional[Path]
    """Downloaded job result, or a ledger.json."""

    def run(self) -> Outcome:
        """Show."""
        from fedbundle.errors import FellShortError
        from fedbundle.flare.ledger import find, render

        ledger = find(self.result)
        return Outcome(render(ledger), ledger, 0 if ledger["outcome"] == "COMPLETED" else FellShortError.code)


@dataclass(frozen=True, kw_only=True)
class Export(Verb):
    """Make the bundle that clinicians get from a downloaded job result."""

    role = "data scientist"

    result: Positional[Path]
    """Downloaded job result with global weights and ledger.json."""

    out: Path
    """Folder or name of the zip to write."""

    bundle: Path | None = None
    """Bundle folder the job was made from; default: bundles/<name> under the working directory."""

    def run(self) -> Outcome:
        """Export."""
        from fedbundle.flare.release import release

        done = release(self.result, self.out, self.bundle)
        return Outcome(
            f"{done.path}\n  recipe digest  {done.recipe_digest}\n  release digest {done.release_digest}\n"
            f"  reloaded: model.pt and model.ts differ by at most {done.largest_difference:.1e}",
            done.data(),
        )


@dataclass(frozen=True, kw_only=True)
class Predict(Verb):
    """Run an exported bundle on a DICOM study: DICOM SEG and SR, report.html and result.json."""

    role = "clinician"

    bundle: Positional[Path]
    """Exported bundle: zip or unpacked folder."""

    study: Positional[Path]
    """Folder with the study's DICOM files."""

    out: Path
    """Folder for the results."""

    factors: Path | None = None
    """CSV (a header and one row) or JSON of the patient's risk factors, for a bundle that tells a risk; what is absent
    or empty counts as not known."""

    def run(self) -> Outcome:
        """Predict."""
        from fedbundle.clinic.predict import predict

        result = predict(self.bundle, self.study, self.out, self.factors)
        warnings = "".join(f"{warning}\n" for warning in result["warnings"])
        doubts = "".join(f"\n  look twice: {doubt}" for doubt in result["doubts"])
        return Outcome(f"{warnings}{result['headline']}{doubts}\n  {self.out / 'report.html'}", result)


@dataclass(frozen=True, kw_only=True)
class Phantom(Verb):
    """Write synthetic patients with known truth as DICOM."""

    role = "all"

    bundle: Positional[str]
    """Bundle the phantoms are made for."""

    out: Path
    """Folder for DICOM, truth masks and labels.csv."""

    patients: int = 4
    """How many patients."""

    profile: str = "site-a"
    """Scanner and site profile; an unknown name lists them."""

    seed: int = 0
    """Same seed, same bytes."""

    def run(self) -> Outcome:
        """Write."""
        from fedbundle.phantom.write import write_phantoms
        from fedbundle.site.wording import many

        report = write_phantoms(self.bundle, self.out, self.patients, self.profile, self.seed)
        told = f"{many(report['patients'], 'patient')}, {many(report['files'], 'file')} in {self.out}"
        return Outcome(told, report)


VERBS: dict[str, type[Verb]] = {
    "provision": Provision,
    "site init": SiteInit,
    "install": Install,
    "approve": Approve,
    "unapprove": Unapprove,
    "ingest": Ingest,
    "doctor": Doctor,
    "check": Check,
    "ledger": Ledger,
    "export": Export,
    "predict": Predict,
    "phantom": Phantom,
}
ROLES = ("consortium admin", "hospital data steward", "data scientist", "clinician", "all")


def overview() -> str:
    """Help text: the verbs grouped by role."""
    lines = [f"fedbundle {__version__}: hospitals train MONAI bundles together, no image leaves", ""]
    for role in ROLES:
        lines.append(f"{role}:")
        lines += [
            f"  {name:12} {(verb.__doc__ or '').splitlines()[0]}" for name, verb in VERBS.items() if verb.role == role
        ]
        lines.append("")
    return "\n".join([*lines, "fedbundle VERB --help tells more; exit codes: docs/reference/exit-codes/"])


def parse(arguments: list[str]) -> Verb | Literal["help", "version"] | None:
    """Find the verb (one or two words) and parse the rest; None = no such verb."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        return "help"
    if arguments[0] == "--version":
        return "version"
    for words in (2, 1):
        name = " ".join(arguments[:words])
        if name in VERBS:
            return tyro.cli(VERBS[name], args=arguments[words:], prog=f"fedbundle {name}", config=HELP)
    return None


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; one line on stderr and a numbered exit code when it fails."""
    arguments = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's end is tidied up after like Ctrl-C
    verb: Verb | Literal["help", "version"] | None = None
    try:
        verb = parse(arguments)
        if isinstance(verb, str):
            _say(overview() if verb == "help" else __version__)
            return 0
        if verb is None:
            _complain(f"verb must be one of {', '.join(VERBS)}, got {arguments[0]!r}; try fedbundle --help", 2)
            return 2
        outcome = verb.run()
    except FedbundleError as error:
        data = verb.done | error.data if isinstance(verb, Verb) and verb.json else None
        if error.summary and data is None:
            _say(error.summary)
        _complain(str(error), error.code, data)
        return error.code
    except KeyboardInterrupt:
        told = "interrupted; what was finished is kept, run the same command again to go on"
        _complain(told, INTERRUPTED, verb.done if isinstance(verb, Verb) and verb.json else None)
        return INTERRUPTED
    _say(json.dumps(verb.done | outcome.data, indent=2) if verb.json else outcome.text)
    return outcome.code


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _complain(message: str, code: int, data: dict[str, Any] | None = None) -> None:
    if data is not None:
        _say(json.dumps({"error": message, "code": code, **data}))
    sys.stderr.write(f"fedbundle: {message} [exit {code}: docs/reference/exit-codes/{code}.md]\n")


if __name__ == "__main__":
    sys.exit(main())
