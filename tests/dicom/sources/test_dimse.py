"""A PACS by DIMSE, spoken to over loopback: what arrives is what lies there, and what fails is told."""

from pathlib import Path

import pytest
from pydicom.uid import JPEGBaseline8Bit
from samples.dicom_series import Stack
from samples.dicom_studies import write_study
from samples.small_pacs import UNCLOSED, SmallPacs

from fedbundle.dicom.series import Survey, survey
from fedbundle.dicom.sources import dimse, remote
from fedbundle.dicom.sources.announced import Announced, shortfall
from fedbundle.dicom.sources.remote import Remote
from fedbundle.errors import InputError, PacsError

pytestmark = pytest.mark.filterwarnings(UNCLOSED)
STUDY = Stack(study=1).study_uid
TOLD = {f"{STUDY.removesuffix('.100')}.{number}.0": Announced("MR", 4, "PAT-004712") for number in (1, 2)}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(remote, "WAITS_S", (0.0, 0.0, 0.0))


@pytest.fixture
def pacs(tmp_path: Path) -> SmallPacs:
    """Two studies."""
    for study in (1, 2):
        write_study(tmp_path / "images", study, Stack(slices=4))
    return SmallPacs.of(tmp_path / "images")


def contents(found: Survey) -> set[tuple[str, bytes]]:
    """Pixels of each instance."""
    return {
        (h.SOPInstanceUID, f.read_bytes()[-240:]) for s in found.series for h, f in zip(s.headers, s.files, strict=True)
    }


@pytest.mark.parametrize(("retrieve", "tells_counts"), [("get", True), ("get", False), ("move", True)])
def test_a_study_arrives_whole_and_its_copies_go(
    pacs: SmallPacs, tmp_path: Path, retrieve: str, tells_counts: bool
) -> None:
    pacs.tells_counts = tells_counts
    (tmp_path / "spool").mkdir()
    with pacs.running():
        (arrival,) = Remote(pacs.server(retrieve=retrieve), [STUDY]).arrivals(tmp_path / "spool")
        assert arrival.announced() == TOLD
        with arrival.fetch() as found:
            assert set(found.studies()) == {STUDY}
            assert shortfall(found.series, TOLD) == {}
            lying = survey(tmp_path / "images" / "Testperson_Zebulon_1")
            assert contents(found) == contents(lying)
            names = [path.name for path in (tmp_path / "spool").rglob("*") if path.is_file()]
            assert len(names) == 8
            assert all(name.isdigit() for name in names)
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_study_that_is_not_there_is_told(pacs: SmallPacs) -> None:
    with pacs.running():
        assert pacs.server().find("1.2.3") is None


def test_a_pacs_that_answers_with_all_it_has_is_filtered(pacs: SmallPacs) -> None:
    pacs.ignores_keys = True
    with pacs.running():
        assert pacs.server().find(STUDY) == TOLD
        assert pacs.server().find("1.2.3") is None


def test_what_is_lost_is_counted(pacs: SmallPacs, tmp_path: Path) -> None:
    pacs.loses = 1
    with pacs.running():
        (arrival,) = Remote(pacs.server(), [STUDY]).arrivals(tmp_path)
        told = arrival.announced() or {}
        with arrival.fetch() as found:
            assert set(shortfall(found.series, told).values()) == {"3 instances arrived, the source has 4"}
    assert pacs.retrievals == 4  # each series is asked for again, once


def test_an_aborted_transfer_is_begun_again(pacs: SmallPacs, tmp_path: Path) -> None:
    pacs.aborts_after = 3
    with pacs.running():
        (arrival,) = Remote(pacs.server(), [STUDY]).arrivals(tmp_path)
        told = arrival.announced() or {}
        with arrival.fetch() as found:
            assert len(shortfall(found.series, told)) == 2  # it still answers, but never sends all
        pacs.aborts_after, pacs.sent = 1_000_000, 0
        with arrival.fetch() as found:
            assert shortfall(found.series, told) == {}


def test_a_pacs_that_is_not_there_or_goes_is_an_error_without_identifiers(pacs: SmallPacs, tmp_path: Path) -> None:
    (arrival,) = Remote(pacs.server(), [STUDY]).arrivals(tmp_path)
    with pytest.raises(PacsError, match="PACS small must answer, got no association in 3 attempts") as caught:
        arrival.announced()
    with pacs.running():
        arrival.announced()
    with pytest.raises(PacsError), arrival.fetch():
        pass
    assert STUDY not in str(caught.value)
    assert list(tmp_path.iterdir()) == [tmp_path / "images"]


@pytest.mark.parametrize("wrong", [{"ae_title": "OTHER"}, {"calling_ae_title": "STRANGER"}])
def test_a_title_that_the_pacs_does_not_know_is_told_at_once(pacs: SmallPacs, wrong: dict[str, str]) -> None:
    node = pacs.node()
    server = dimse.Dimse("small", dimse.Node(**(vars(node) | wrong)))
    with pacs.running(), pytest.raises(PacsError, match=r"must accept .* got a rejection .*AE title not recognised"):
        server.find(STUDY)


def test_our_own_port_may_be_taken(pacs: SmallPacs, tmp_path: Path) -> None:
    with pacs.running():
        (arrival,) = Remote(pacs.server(retrieve="move", listen_port=pacs.port), [STUDY]).arrivals(tmp_path)
        arrival.announced()
        with pytest.raises(PacsError, match=r"listen_port .* of \[pacs.small\] must be free"), arrival.fetch():
            pass


def test_all_encodings_fit_into_one_association() -> None:
    contexts = dimse._storage()
    assert len(contexts) <= 127  # and one for C-GET
    assert any(JPEGBaseline8Bit in (context.transfer_syntax or []) for context in contexts)


def test_studies_must_be_named(pacs: SmallPacs, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="studies must be named"):
        Remote(pacs.server(), []).check(tmp_path)
