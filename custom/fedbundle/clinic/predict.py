"""From a DICOM study and an exported bundle to DICOM SEG, report and numbers; all of it appears, or nothing."""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from fedbundle.bundle.archive import unpack
from fedbundle.bundle.digest import recipe_digest, release_digest
from fedbundle.bundle.layout import Bundle
from fedbundle.bundle.record import check_record
from fedbundle.bundle.vendor import RECORD, copy_bundle
from fedbundle.clinic.inference import infer
from fedbundle.clinic.measure import doubts, measure
from fedbundle.clinic.pictures import pictures
from fedbundle.clinic.prediction import MADE_BY, Prediction, SeriesTold
from fedbundle.clinic.report import report
from fedbundle.clinic.training import read_training, trained_on_phantoms
from fedbundle.dicom.deid.identifiers import identifiers
from fedbundle.dicom.deid.residuals import residuals
from fedbundle.dicom.gate.roles import Choice, choose
from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.inputs import read_inputs
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.segments import CONFIG, DicomOut
from fedbundle.dicom.seg.write import Model, write_segmentation
from fedbundle.dicom.series import Series, survey
from fedbundle.errors import BundleError, InputError, OutputError, PredictionError, ResidualError
from fedbundle.files import new_folder, read_json, write_json, write_text

WEIGHTS = "models/model.pt"
REPORT, RESULT, LOG = "report.html", "result.json", "inference.log"
SEG_SUFFIX = ".seg.dcm"
PATIENT = ("PatientName", "PatientID", "OtherPatientIDs", "PatientBirthName", "AccessionNumber")
SHORTEST = 6  # characters of a name or id; a shorter number may be a count of voxels
DATE_OR_UID = re.compile(r"[0-9.]{8,}")
TIMES = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?\s*")


def predict(bundle: Path, study: Path, out: Path) -> dict[str, Any]:
    """Run a bundle on a study and write `<bundle>.seg.dcm`, `report.html`, `result.json` and `inference.log`.

    The bundle is copied to a temporary folder first, so neither it nor the study is written to. The segmentation
    belongs to the patient of the study, as it goes back to the PACS; the other files hold nothing of the patient but
    pictures, and are searched for identifiers before they appear.

    Args:
        bundle: exported zip or unpacked folder, with weights.
        study: folder with the DICOM files of one study.
        out: new or empty folder, or one with earlier results of this verb, which are replaced.

    Returns:
        What result.json holds.

    Raises:
        InputError: no such bundle or study, or files of more than one study.
        OutputError: `out` holds other things or cannot be written.
        BundleError: the bundle breaks its contract (DigestError: it is not the one that was exported).
        NoUsableSeriesError: no series can play a role that the bundle needs.
        DicomError: pixels are of no known quantity, or volumes cannot be brought onto one grid.
        PredictionError: the bundle has no weights, or cannot be run.
        SegmentationError: the result does not lie on the grid of its source series.
        ResidualError: an identifier of the patient would have stood in the report.
    """
    target = _claimed(out)
    with tempfile.TemporaryDirectory(prefix="fedbundle-predict-") as folder:
        scratch = Path(folder).resolve()
        opened = _opened(bundle, scratch / "bundle")
        wanted = _wanted(opened)
        found, damaged = _one_study(study)
        choice = choose(found, checked_rules(opened.ingest_rules))
        chosen = choice.require()
        work = scratch / "work"
        work.mkdir()
        read = read_inputs(chosen, opened.ingest_rules["inputs"], scratch)
        volumes = {role: each.volume for role, each in read.items()}
        labels = infer(opened, volumes, wanted, work)
        source = chosen[wanted.input]
        prediction = _prediction(opened, wanted, choice, volumes[wanted.input], labels, source, damaged)
        name = f"{opened.name}{SEG_SUFFIX}"
        result = prediction.data([name, REPORT, RESULT, LOG])
        public = scratch / "public"
        write_text(public / REPORT, report(prediction))
        write_json(public / RESULT, result)
        write_text(public / LOG, _plain(work / LOG, folder))
        _check_anonymous(public, choice)
        with new_folder(target) as part:
            model = Model(opened.name, opened.version, prediction.release_digest)
            write_segmentation(labels, prediction.volume.affine, source.headers, wanted, model, part / name)
            for path in public.iterdir():
                shutil.copyfile(path, part / path.name)
    return result


def _claimed(out: Path) -> Path:
    """The folder to write, if it may be written."""
    target = out.resolve()
    if target.exists() and not target.is_dir():
        raise OutputError(f"out must be a folder, got the file {out}; choose another place")
    if target.is_dir() and (names := {path.name for path in target.iterdir()}):
        known = {name for name in names if name in (REPORT, RESULT, LOG) or name.endswith(SEG_SUFFIX)}
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


def _opened(bundle: Path, folder: Path) -> Bundle:
    """A checked copy of the bundle in `folder`."""
    if bundle.is_dir():
        name = Bundle.open(bundle).name
        copy_bundle(bundle, folder / name)
        root = folder / name
    elif bundle.is_file():
        root = unpack(bundle, folder)
    else:
        raise InputError(f"bundle must be a zip or a folder, got {bundle}; check the path")
    opened = Bundle.open(root)
    check_record(root)
    if not (root / WEIGHTS).is_file():
        raise PredictionError(f"bundle must carry weights in {WEIGHTS}, got none; take the zip of fedbundle export")
    return opened


def _wanted(bundle: Bundle) -> DicomOut:
    wanted = DicomOut.read(bundle.root)
    if wanted.input not in bundle.ingest_rules["inputs"]:
        raise BundleError(f"input in {CONFIG} must be a role of configs/ingest.json, got {wanted.input!r}; mend it")
    if "resample_to" in bundle.ingest_rules["inputs"][wanted.input]:
        raise BundleError(
            f"input in {CONFIG} must be a role on the voxels of its own series, got {wanted.input!r} with resample_to; "
            "name another role"
        )
    return wanted


def _one_study(folder: Path) -> tuple[list[Series], int]:
    """Series of the study, and how many of its files cannot be read."""
    if not folder.is_dir():
        raise InputError(f"study must be a folder with DICOM files, got {folder}; check the path")
    found = survey(folder)
    if not found.series:
        raise InputError(f"study must hold DICOM images, got none in {found.files} files; check the path")
    studies = len(found.studies())
    if studies > 1:
        raise InputError(
            f"study must be a folder with the files of one study, got {studies} studies; give the folder of one"
        )
    return found.series, len(found.damaged)


def _prediction(
    bundle: Bundle, wanted: DicomOut, choice: Choice, volume: Volume, labels: Any, source: Series, damaged: int
) -> Prediction:
    segments, total = measure(volume, labels, wanted)
    with tolerant():
        told = tuple(
            SeriesTold(text(each.series.first, "SeriesNumber"), each.role, each.code, each.detail)
            for each in choice.decisions
        )
        numbers = tuple(text(header, "InstanceNumber") for header in source.headers)
    return Prediction(
        bundle=bundle,
        wanted=wanted,
        recipe_digest=recipe_digest(bundle.root),
        release_digest=release_digest(bundle.root),
        exported=(bundle.root / RECORD).is_file(),
        on_phantoms=trained_on_phantoms(bundle),
        training=read_training(bundle, wanted),
        series=tuple(sorted(told, key=lambda series: (not series.role, len(series.number), series.number))),
        volume=volume,
        image_numbers=numbers,
        segments=tuple(segments),
        total=total,
        doubts=(*_damage(damaged), *doubts(volume, labels, wanted)),
        pictures=tuple(pictures(volume, labels, wanted)),
    )


def _damage(files: int) -> list[str]:
    if not files:
        return []
    return [f"{files} of the study's files are empty or damaged: slices may be missing. Send it again from the PACS."]


def _plain(log: Path, folder: str) -> str:
    """The log without temporary paths and times: a study of today must not be told by today's date."""
    return TIMES.sub("", log.read_text(encoding="utf-8", errors="replace").replace(folder, "..."))


def _check_anonymous(folder: Path, choice: Choice) -> None:
    """Look for identifiers of the study in what is not for the PACS: whole names and ids, dates, UIDs.

    Words of names and names of institutions are left out: a report in plain language holds words like "May" or "Long",
    and a hospital that took part in the training is named in it.
    """
    names: set[str] = set()
    with tolerant():
        for decision in choice.decisions:
            for header in decision.series.headers:
                names |= {name for name in identifiers(header) if DATE_OR_UID.fullmatch(name)}
                names |= {name for keyword in PATIENT if len(name := text(header, keyword)) >= SHORTEST}
    if found := residuals(folder, names):
        raise ResidualError(
            f"results must hold no identifier of the patient, got one in: {', '.join(found)}; report this as a defect"
        )
