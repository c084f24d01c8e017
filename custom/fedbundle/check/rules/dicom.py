"""What the bundle wants from DICOM, and how its result goes back, keep their schemas."""

import json
from collections.abc import Iterator
from importlib.resources import files

from jsonschema import Draft202012Validator

from fedbundle.check.finding import ExemptError, NotTriedError, Problem
from fedbundle.check.subject import DICOM_OUT, INGEST, Subject
from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.dicom.seg.dicom_out import read_dicom_out
from fedbundle.errors import BundleError

SCHEMAS = {
    INGEST: ("fedbundle.dicom.gate", "ingest.schema.json"),
    DICOM_OUT: ("fedbundle.dicom.seg", "dicom_out.schema.json"),
}


def dicom(bundle: Subject) -> Iterator[Problem]:
    """configs/ingest.json and configs/dicom_out.json."""
    if bundle.stock:
        raise ExemptError("a stock bundle says nothing of DICOM: the hospital prepares its data")
    sound = True
    for file, (package, name) in SCHEMAS.items():
        try:
            content = bundle.json(file)
        except NotTriedError:
            sound = False
            continue
        schema = json.loads(files(package).joinpath(name).read_text(encoding="utf-8"))
        for error in Draft202012Validator(schema).iter_errors(content):
            sound = False
            yield Problem(file, "#".join(map(str, error.absolute_path)), f"{error.message}; mend it")
    if not sound:
        return
    try:
        checked_rules(bundle.ingest_rules)
    except BundleError as error:
        yield Problem(INGEST, "", str(error))
    try:
        read_dicom_out(bundle.root)
    except BundleError as error:
        yield Problem(DICOM_OUT, "", str(error))
