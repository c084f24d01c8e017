"""The matrix of malformed series: each is refused by name, or its voxels are right to half a grey value.

Voxels are a linear function of the LPS position, so a slice in a wrong place, a slope that was left out or a volume
taken for another shows.
"""

from pathlib import Path

import pytest
from samples.dicom_series import NAME, make_slices, worst_error, write_slices
from samples.malformed import MATRIX, SLICES
from samples.multi_frame import BRIGHTER

from fedbundle.dicom.gate.split import SPLIT_CODES
from fedbundle.dicom.gate.verdict import SOUNDNESS_CODES, candidates
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import scan


@pytest.mark.parametrize("name", MATRIX)
def test_a_malformed_series_is_refused_by_name_or_read_right(name: str, tmp_path: Path) -> None:
    row = MATRIX[name]
    slices = make_slices(row.stack)
    (series,) = scan(write_slices(tmp_path, row.change(slices) or slices))
    judged = candidates(series, row.role)
    fitting = [volume for volume, verdict in judged if verdict.used]
    told = {verdict.code: verdict.detail for _, verdict in judged}
    if row.code:
        assert not fitting
        assert row.code in told
        assert told[row.code]
        assert NAME.split("^")[0] not in repr(told)
    else:
        assert len(fitting) == 1, told
        volume = Volume.of(fitting[0])
        assert volume.array.shape == (SLICES, 12, 10)
        assert worst_error(volume.array - row.volume * BRIGHTER, volume.affine) <= row.tolerance + 1e-3


def test_every_code_of_a_malformed_series_is_provoked() -> None:
    assert {row.code for row in MATRIX.values()} >= {*SOUNDNESS_CODES, *SPLIT_CODES}
