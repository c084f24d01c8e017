"""One run over the studies of a source: each is taken, searched for what identifies its patient, and only then kept."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from tqdm import tqdm

from fedbundle.dicom.deid.pseudonyms import pseudonym
from fedbundle.dicom.gate.verdict import USED
from fedbundle.dicom.series import Series, Survey
from fedbundle.dicom.sources.announced import Announced
from fedbundle.dicom.sources.source import Source
from fedbundle.errors import OutputError
from fedbundle.files import writing
from fedbundle.site.cases.origin import mark_of
from fedbundle.site.cases.take import Outcome, owners_of, take, unchanged
from fedbundle.site.cases.workplace import Workplace
from fedbundle.site.folder import LOOKS, case_entries, clear, remove
from fedbundle.site.journal import EARLIER, Journal, encoded, patients_of, used
from fedbundle.site.refusal import IDENTIFIER_LEFT, MISSING_INSTANCES, NOT_AT_SOURCE
from fedbundle.site.residual import leaking, needles, source_identifiers


@dataclass
class Intake:
    """A run, and what it did so far."""

    place: Workplace
    journal: Journal
    excluded_patients: Collection[str]  # pseudonyms of those who were taken out for good
    excluded_studies: Collection[str] = ()  # keyed digests of their studies
    outcomes: list[Outcome] = field(default_factory=list)
    names: set[str] = field(default_factory=set)  # identifiers of the source
    files: int = 0
    skipped: int = 0
    damaged: int = 0
    excluded: int = 0  # studies that were passed over
    renamed: int = 0  # of these, studies that come under a patient who was not taken out
    passed_over: dict[str, set[str]] = field(default_factory=dict)  # excluded patient -> keyed digests of studies

    @cached_property
    def case_of_study(self) -> dict[str, str]:
        """Case of each study (keyed digest) that is in the dataset."""
        return {lines[0]["study"]: case for case, lines in self.journal.cases.items() if used(lines)}

    def take_all(self, source: Source, spool: Path) -> None:
        """Take one study after the other; its lines are written when its files are, and when they hold no identifier.

        Raises:
            PacsError: the source is gone.
            OutputError: the dataset cannot be written.
        """
        cases = self.journal.cases
        marked = {lines[0].get("announced"): case for case, lines in cases.items() if used(lines)}
        for arrival in tqdm(source.arrivals(spool), desc="studies", unit=" studies", disable=None):
            announced = arrival.announced()
            if announced is None:
                self.outcomes.append(Outcome("", "", NOT_AT_SOURCE, []))
                continue
            mark = mark_of(arrival.study_uid, announced, self.place) if source.remote else None
            case = marked.get(mark) if mark else None
            if case and (before := unchanged(case, cases[case], self.place)):
                self.outcomes.append(before)
                continue
            with arrival.fetch() as found:
                self._count(found)
                self._take(arrival.study_uid, found, announced, mark)
        self._count(source.rest())

    def _count(self, found: Survey) -> None:
        self.files += found.files
        self.skipped += found.skipped
        self.damaged += len(found.damaged)

    def _take(self, study_uid: str, found: Survey, announced: Mapping[str, Announced], mark: str | None) -> None:
        """Take a study whose files are here."""
        study = found.studies().get(study_uid)
        if not study:
            self.outcomes.append(Outcome("", "", MISSING_INSTANCES, []))
        elif self._is_excluded(study):
            self.excluded += 1
        else:
            outcome = take(study, self.place, self.journal.cases, len(found.damaged), announced)
            if mark and outcome.code == USED:
                outcome = replace(outcome, lines=[line | {"announced": mark} for line in outcome.lines])
            if outcome.lines and (earlier := self._earlier_patients(outcome)):
                outcome = replace(outcome, lines=[line | {EARLIER: earlier} for line in outcome.lines])
            try:
                self.outcomes.append(self._kept(outcome, study))
            except OutputError:
                if outcome.case not in self.journal.cases:  # files without lines
                    clear(self.place.dataset, outcome.case)
                raise

    def _earlier_patients(self, outcome: Outcome) -> list[str]:
        """Patients to whom the PACS gave a study before, so that --exclude finds it by them too."""
        former = self.case_of_study.get(outcome.lines[0].get("study", ""), "")
        known = (self.journal.cases.get(case, []) for case in {former, outcome.case})
        return sorted(set().union(*map(patients_of, known)) - {outcome.patient})

    def _supersede(self, outcome: Outcome) -> None:
        """A study to which the PACS gives another patient now is one case, not two."""
        study = outcome.lines[0]["study"]
        former = self.case_of_study.get(study, outcome.case)
        if former != outcome.case:
            self.journal.drop(former)
            for entry in case_entries(self.place.dataset, former):
                remove(entry)
        self.case_of_study[study] = outcome.case

    def _is_excluded(self, study: list[Series]) -> bool:
        """One of its patients was taken out, or it was itself; whatever patient it is given later, it stays out."""
        digest = pseudonym(self.place.key, "study", study[0].study_uid)
        of_excluded = owners_of(study, self.place.key).intersection(self.excluded_patients)
        for patient in of_excluded:
            self.passed_over.setdefault(patient, set()).add(digest)
        renamed = not of_excluded and digest in self.excluded_studies
        self.renamed += renamed
        return bool(of_excluded) or renamed

    def _kept(self, outcome: Outcome, study: list[Series]) -> Outcome:
        """Write the lines, unless something of them or of the files identifies the patient; remove what is refused."""
        identity = source_identifiers(study, self.place.options.device)
        self.names |= identity
        wanted = needles(identity, self.place.all_rules)
        with writing(self.place.dataset):
            entries = case_entries(self.place.dataset, outcome.case)
            stays = outcome.code == USED or outcome.kept
            searched = [entry for entry in entries if stays and entry.parent.name != LOOKS]  # that is searched later
            if wanted.found_in(encoded(outcome.lines)) or leaking(self.place.dataset, searched, wanted):
                outcome = Outcome(outcome.case, outcome.patient, IDENTIFIER_LEFT, [])
                self.journal.drop(outcome.case)
            else:
                self.journal.add(outcome.lines)
                if outcome.code == USED:
                    self._supersede(outcome)
            if not (outcome.code == USED or outcome.kept):
                for entry in entries:
                    remove(entry)
        return outcome
