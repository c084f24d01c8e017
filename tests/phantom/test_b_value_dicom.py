"""Every vendor's b-value is read back by the reader that ingest uses, through bytes."""

from io import BytesIO

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from fedbundle.dicom.diffusion import b_value, is_isotropic
from fedbundle.phantom.b_value_dicom import ENCODINGS


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("b", [0, 50, 1400])
def test_b_value_survives(name: str, b: float) -> None:
    told = ENCODINGS[name](b)
    told.SOPClassUID, told.SOPInstanceUID = MRImageStorage, "1.2.3"
    told.file_meta = FileMetaDataset()
    told.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written = BytesIO()
    dcmwrite(written, told, enforce_file_format=True)
    written.seek(0)
    header = dcmread(written)
    assert b_value(header) == b
    assert ("DiffusionBValue" in header) == (name in ("standard", "ge new"))
    assert is_isotropic(header) == (b > 0 and name in ("standard", "ge new", "philips"))
