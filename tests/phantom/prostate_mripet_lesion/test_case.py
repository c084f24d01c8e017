"""Who is invented: how many have cancer, where it lies, who gets a PET; and what a site of one's own changes."""

from dataclasses import replace

import numpy as np
import pytest

from fedbundle.phantom.prostate_mripet_lesion.case import Case, invent_case
from fedbundle.phantom.prostate_mripet_lesion.findings import CANCER, PERIPHERAL
from fedbundle.phantom.prostate_mripet_lesion.place import depths
from fedbundle.phantom.prostate_mripet_lesion.sites import SITES

MANY = 250


@pytest.fixture(scope="module")
def cohorts() -> dict[str, list[Case]]:
    """Many patients of each profile, not painted."""
    return {profile: [invent_case(profile, 1, index) for index in range(MANY)] for profile in SITES}


def test_most_patients_have_no_cancer_as_the_profile_says(cohorts: dict[str, list[Case]]) -> None:
    for profile, cases in cohorts.items():
        share = np.mean([bool(case.cancers) for case in cases])
        assert share == pytest.approx(SITES[profile].population.prevalence, abs=0.08)
        assert share < 0.45


def test_who_gets_a_pet(cohorts: dict[str, list[Case]]) -> None:
    share = {profile: np.mean([case.tracer is not None for case in cases]) for profile, cases in cohorts.items()}
    assert [share[f"site-{site}"] for site in "abcd"] == [1, 0, 0, 1]
    assert share["site-e"] == pytest.approx(0.5, abs=0.1)


def test_cancers_have_the_size_zone_and_uptake_of_their_site(cohorts: dict[str, list[Case]]) -> None:
    for profile, cases in cohorts.items():
        population = SITES[profile].population
        found = [finding for case in cases for finding in case.cancers]
        diameters = [2 * finding.radii[0] for finding in found]
        assert np.median(diameters) == pytest.approx(population.diameter_mm, rel=0.15)
        assert min(diameters) >= 6
        assert max(diameters) <= 28
        assert np.mean([f.zone != PERIPHERAL for f in found]) == pytest.approx(population.transition, abs=0.15)
        avid = [f.uptake for case in cases if case.tracer for f in case.cancers]
        if avid:
            assert 0 < np.mean(np.array(avid) == 0) < 0.3  # some express no PSMA
            assert np.median([uptake for uptake in avid if uptake]) > 6


def test_findings_lie_in_their_zone(cohorts: dict[str, list[Case]]) -> None:
    for cases in cohorts.values():
        for case in cases[:60]:
            for finding in case.findings:
                assert depths(np.array([finding.centre]), case.man, finding.zone)[0] > 0
                np.testing.assert_allclose(finding.turn @ finding.turn.T, np.eye(3), atol=1e-12)


def test_a_site_can_be_changed_one_parameter_at_a_time() -> None:
    site = SITES["site-b"]
    ill = replace(site, population=replace(site.population, prevalence=1.0))
    well = replace(site, population=replace(site.population, prevalence=0.0))
    for index in range(20):
        assert invent_case("site-b", 0, index, ill).cancers
        assert not invent_case("site-b", 0, index, well).cancers


def test_false_friends_are_more_common_than_cancer(cohorts: dict[str, list[Case]]) -> None:
    for cases in cohorts.values():
        kinds = [finding.kind for case in cases for finding in case.findings]
        assert set(kinds) == {"cancer", "indolent", "haemorrhage", "prostatitis"}
        assert kinds.count(CANCER) < len(kinds) / 2
