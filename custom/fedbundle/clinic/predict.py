"""From a DICOM study and an exported bundle to DICOM SEG and SR, report and numbers; all of it appears, or nothing."""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from fedbundle.bundle.layout import Bundle
from fedbundle.clinic.factors import Factors, read_factors
from fedbundle.clinic.findings import SEG_SUFFIX, SR_SUFFIX, Target
from fedbundle.clinic.inference import infer
from fedbundle.clinic.kinds import findings_of, items_of
from fedbundle.clinic.opened import opened
from fedbundle.clinic.prediction import MADE_BY, Prediction
from fedbundle.clinic.report import report
from fedbundle.clinic.study import Study, read_study
from fedbundle.dicom.deid.identifiers import identifiers
from fedbundle.dicom.deid.residuals import residuals
from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.seg.dicom_out import DicomOut, RiskOut
from fedbundle.dicom.seg.write import Model
from fedbundle.errors import InputError, OutputError, ResidualError
from fedbundle.files import new_folder, read_json, write_json, write_text

REPORT, RESULT, LOG = "report.html", "result.json", "inference.log"
PATIENT = ("PatientName", "PatientID", "OtherPatientIDs", "PatientBirthName", "AccessionNumber")
SHORTEST = 6  # characters of a name or id; a shorter number may be a count of voxels
DATE_OR_UID = re.compile(r"[0-9.]{8,}")
TIMES = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?\s*")


def predict(bundle: Path, study: Path, out: Path, factors: Path | None = None) -> dict[str, Any]:
    """Run a bundle on a study and write DICOM objects, `report.html`, `result.json` and `inference.log`.

    The bundle is copied to a temporary folder first, so neither it nor the study is written to. The DICOM objects
    (`<bundle>.seg.dcm`, `<bundle>.sr.dcm`, as its kind of result gives) belong to the patient of the study, as they go
    back to the PACS; the other files hold nothing of the patient but pictures, and are searched for identifiers before
    they appear.

    Args:
        bundle: exported zip or unpacked folder, with weights.
        study: folder with the DICOM files of one study.
        out: new or empty folder, or one with earlier results of this verb, which are replaced.
        factors: CSV or JSON of the patient's risk factors, for a bundle that tells a risk; none = all are missing.

    Returns:
        What result.json holds.

    Raises:
        InputError: no such bundle or study, files of more than one study, or risk factors that cannot be used.
        OutputError: `out` holds other things or cannot be written.
        BundleError: the bundle breaks its contract (DigestError: it is not the one that was exported).
        NoUsableSeriesError: no series can play a role that the bundle needs, or a film
            does not tell which side it shows.
        DicomError: pixels are of no known quantity, or volumes cannot be brought onto one grid.
        PredictionError: the bundle has no weights, or cannot be run.
        SegmentationError: the result does not lie on the grid of its source series.
        ResidualError: an identifier of the patient would have stood in the report.
    """
    target = _claimed(out)
    with tempfile.TemporaryDirectory(prefix="fedbundle-predict-") as folder:
        scratch = Path(folder).resolve()
        run, wanted = opened(bundle, scratch / "bundle")
        known = _factors(factors, run, wanted)
        images = read_study(study, run, scratch)
        work = scratch / "work"
        work.mkdir()
        volumes = {role: each.volume for role, each in images.inputs.items()}
        output = infer(run, volumes, items_of(images, wanted, known), work)
        prediction = Prediction.of(run, wanted, images, findings_of(output, images, wanted))
        names = [f"{run.name}{suffix}" for suffix in prediction.findings.objects()]
        result = prediction.data([*names, REPORT, RESULT, LOG]) | {"headline": prediction.findings.headline}
        public = scratch / "public"
        write_text(public / REPORT, report(prediction))
        write_json(public / RESULT, result)
        write_text(public / LOG, _plain(work / LOG, folder))
        _check_anonymous(public, images)
        with new_folder(target) as part:
            model = Model(run.name, run.version, prediction.release_digest)
            prediction.findings.write(Target(part, run.name, model))
            for path in public.iterdir():
                shutil.copyfile(path, part / path.name)
    return result


def _factors(path: Path | None, bundle: Bundle, wanted: DicomOut) -> Factors | None:
    """Risk factors for a bundle that tells a risk; any other takes none."""
    if isinstance(wanted, RiskOut):
        return read_factors(path, wanted, bundle.ingest_rules)
    if path:
        raise InputError(f"factors must be of a bundle that tells a risk, got {bundle.name}; leave --factors out")
    return None


def _claimed(out: Path) -> Path:
    """The folder to write, if it may be written."""
    target = out.resolve()
    if target.exists() and not target.is_dir():
        raise OutputError(f"out must be a folder, got the file {out}; choose another place")
    if target.is_dir() and (names := {path.name for path in target.iterdir()}):
        ours = (SEG_SUFFIX, SR_SUFFIX)
        known = {name for name in names if name in (REPORT, RESULT, LOG) or name.endswith(ours)}
        if names != known or not _ours(target / RESULT):
            raise OutputError(
                f"out must be new, empty or hold earlier results, got {out} with other files; choose another"
            )
    return target


def _ours(result: Path) -> bool:
    try:
        content = read_json(result)
    except InputError:
        return False
    return isinstance(content, dict) and content.get("made_by") == MADE_BY


def _plain(log: Path, folder: str) -> str:
    """The log without temporary paths and times: a study of today must not be told by today's date."""
    return TIMES.sub("", log.read_text(encoding="utf-8", errors="replace").replace(folder, "..."))


def _check_anonymous(folder: Path, study: Study) -> None:
    """Look for identifiers of the study in what is not for the PACS: whole names and ids, dates, UIDs.

    Words of names and names of institutions are left out: a report in plain language holds words like "May" or "Long",
    and a hospital that took part in the training is named in it.
    """
    names: set[str] = set()
    with tolerant():
        for decision in study.choice.decisions:
            for header in decision.series.headers:
                names |= {name for name in identifiers(header) if DATE_OR_UID.fullmatch(name)}
                names |= {name for keyword in PATIENT if len(name := text(header, keyword)) >= SHORTEST}
    if found := residuals(folder, names):
        raise ResidualError(
            f"results must hold no identifier of the patient, got one in: {', '.join(found)}; report this as a defect"
        )
