"""What a hospital's data steward does: keep a site home, its bundles and datasets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from fedbundle.verbs.base import Outcome, SiteVerb, Verb, say


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
                say(done.text())
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
class Personalize(SiteVerb):
    """Add to an exported bundle the weights that this hospital kept of the same run; for its own use only."""

    role = "hospital data steward"

    bundle: Positional[Path]
    """Zip of `fedbundle export`."""

    out: Path
    """Folder or name of the zip to write; it must not be passed on."""

    def run(self) -> Outcome:
        """Personalize."""
        from fedbundle.flare.personal import personal_release

        done = personal_release(self.home(), self.bundle, self.out)
        return Outcome(f"{done.path}\n  release digest {done.release_digest}", done.data())


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
