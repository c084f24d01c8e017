"""Measurements go back to the PACS as Comprehensive 3D SR by TID 1500 (PS3.16), written by highdicom, read back by us.

Observer is the bundle as a device (TID 1004); each group names the algorithm by TID 4019: name, version and digest of
the release. Groups of a segment refer to the SEG by TID 1411 and keep its tracking identifiers; others follow TID 1501.
"""

from collections.abc import Sequence
from pathlib import Path

import highdicom
from highdicom import sr
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from fedbundle.dicom.header import tolerant
from fedbundle.dicom.seg.write import Model, completed
from fedbundle.dicom.sr.group import OWN_SCHEME, SIDES, Group, Quantity
from fedbundle.dicom.sr.same import check_report
from fedbundle.errors import SegmentationError
from fedbundle.files import new_file

SERIES_NUMBER = 8000  # plus the number of the source series
REFUSED = (ValueError, TypeError, AttributeError, KeyError)  # what highdicom raises of a header that lacks something


def write_report(
    groups: Sequence[Group],
    sources: Sequence[Dataset],
    segmentation: Dataset | None,
    title: str,
    procedure: Code,
    model: Model,
    path: Path,
    others: Sequence[Dataset] = (),
) -> None:
    """Write measurement groups as DICOM SR of the patient and study of their source images.

    Args:
        groups: what was found; one at least, as a report that says nothing is none.
        sources: headers of the images on which the result lies, of one series.
        segmentation: DICOM SEG to which groups with a segment number refer.
        title: Series Description.
        procedure: Procedure reported.
        model: who made it.
        path: file to write.
        others: headers of further images that were used; they are named as evidence.

    Raises:
        SegmentationError: a source image lacks what a report refers to, or the report does not read back the same.
        OutputError: `path` cannot be written.
    """
    with tolerant():  # highdicom's and pydicom's warnings quote values of the source header
        images = [completed(header) for header in sources]
        try:
            evidence = [*images, *map(completed, others)]
            made = _report(groups, images, evidence, segmentation, title, procedure, model)
        except REFUSED as error:
            raise SegmentationError(
                f"source images must have all attributes that a DICOM SR refers to, got {type(error).__name__} "
                "from highdicom; send the series from the PACS again"
            ) from error
        with new_file(path) as part:
            made.save_as(part)
            check_report(part, groups, images, segmentation)


def _report(
    groups: Sequence[Group],
    images: list[Dataset],
    evidence: list[Dataset],
    segmentation: Dataset | None,
    title: str,
    procedure: Code,
    model: Model,
) -> sr.Comprehensive3DSR:
    algorithm = sr.AlgorithmIdentification(
        name=model.name[:64], version=model.version[:64], parameters=[f"digest {model.digest}"]
    )
    content = sr.MeasurementReport(
        observation_context=_context(model),
        procedure_reported=procedure,
        imaging_measurements=[_group(group, images, segmentation, algorithm) for group in groups],
        title=codes.DCM.ImagingMeasurementReport,
    )
    made = sr.Comprehensive3DSR(
        evidence=[*evidence, *([segmentation] if segmentation is not None else [])],
        content=content,
        series_instance_uid=highdicom.UID(),
        series_number=SERIES_NUMBER + int(images[0].get("SeriesNumber") or 0) % 1000,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="fedbundle",
        manufacturer_model_name=model.name[:64],
        software_versions=f"{model.name} {model.version}"[:64],
        device_serial_number=model.serial,
        series_description=title,
        is_complete=True,
        is_final=False,
        is_verified=False,
    )
    _name_own_scheme(made)
    return made


def _context(model: Model) -> sr.ObservationContext:
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=generate_uid(entropy_srcs=[model.name, model.digest]),  # one device, one UID
        name=model.name[:64],
        manufacturer_name="fedbundle",
        model_name=f"{model.name} {model.version}"[:64],
        serial_number=model.serial,
    )
    return sr.ObservationContext(observer_device_context=sr.ObserverContext(codes.DCM.Device, device))


def _group(
    group: Group, images: list[Dataset], segmentation: Dataset | None, algorithm: sr.AlgorithmIdentification
) -> sr.MeasurementsAndQualitativeEvaluations | sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    side = SIDES.get(group.side)
    common = {
        "tracking_identifier": sr.TrackingIdentifier(uid=group.uid, identifier=group.label),
        "finding_type": group.finding,
        "finding_category": group.category,
        "finding_sites": [sr.FindingSite(group.site, laterality=side)] if group.site else None,
        "measurements": [_measurement(quantity) for quantity in group.quantities],
        "qualitative_evaluations": [sr.QualitativeEvaluation(name, value) for name, value in group.words],
        "algorithm_id": algorithm,
    }
    if group.segment is None or segmentation is None:
        shown = [sr.SourceImageForMeasurementGroup(image.SOPClassUID, image.SOPInstanceUID) for image in images]
        return sr.MeasurementsAndQualitativeEvaluations(source_images=shown, **common)
    segment = sr.ReferencedSegment(
        sop_class_uid=segmentation.SOPClassUID,
        sop_instance_uid=segmentation.SOPInstanceUID,
        segment_number=group.segment,
        source_series=sr.SourceSeriesForSegmentation(images[0].SeriesInstanceUID),
    )
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **common)


def _measurement(quantity: Quantity) -> sr.Measurement:
    return sr.Measurement(quantity.name, quantity.value, quantity.unit, derivation=quantity.derivation)


def _name_own_scheme(made: Dataset) -> None:
    """A private scheme says who is behind it (PS3.3 C.12.1.1.7)."""
    if any(element.value == OWN_SCHEME for element in made.iterall() if element.keyword == "CodingSchemeDesignator"):
        scheme = Dataset()
        scheme.CodingSchemeDesignator, scheme.CodingSchemeName = OWN_SCHEME, "fedbundle, terms of a bundle"
        made.CodingSchemeIdentificationSequence = [scheme]
