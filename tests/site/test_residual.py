"""What is looked for in a written dataset: the identifiers of every slice, wherever in its header they stand."""

from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from tests.samples.dicom_series import make_slices, write_slices

from fedbundle.dicom.series import scan
from fedbundle.site.residual import source_identifiers

LONG = 100  # items: more bytes than a header reads before somebody asks


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("items", [1, LONG])
def test_names_in_sequences_of_later_slices_are_known(items: int, undefined: bool, tmp_path: Path) -> None:
    slices = make_slices()
    for index, image in enumerate(slices):
        image.RequestAttributesSequence = Sequence([_request(f"Vogel^Berta{'abc'[index % 3]}") for _ in range(items)])
        image["RequestAttributesSequence"].is_undefined_length = undefined
    (series,) = scan(write_slices(tmp_path, slices))
    assert {"Vogel^Bertaa", "Vogel^Bertab", "Vogel^Bertac"} <= source_identifiers([series])


def test_a_long_text_of_a_later_slice_is_known(tmp_path: Path) -> None:
    slices = make_slices()
    for index, image in enumerate(slices):
        image.PatientComments = f"seen {index} " * 1000
    (series,) = scan(write_slices(tmp_path, slices))
    known = source_identifiers([series])
    assert all(any(text.startswith(f"seen {index} ") for text in known) for index in range(len(slices)))


def _request(name: str) -> Dataset:
    item = Dataset()
    item.RequestedProcedureDescription = "prostate"
    item.ReasonForTheRequestedProcedure = "staging"
    item.ScheduledPerformingPhysicianName = name
    return item
