"""Who trains on what, and which weights travel."""

from pathlib import Path

from value.arms import names, norms, sharing, way_of
from value.tasks import TASKS, task_of
from value.ways import ALL, ALL_BUT_NORMS, DECLARED, Way


def test_every_arm_that_a_target_names_is_run() -> None:
    for task in TASKS:
        named = {getattr(target, part, None) for target in task.targets for part in ("arm", "other")} - {None}
        assert {name for name in named if not name.startswith("local,")} <= set(names(task)), task.bundle


def test_a_way_says_what_travels(repository: Path) -> None:
    root = repository / "bundles" / "brain_mri_anomaly"
    assert sharing(root, Way(share=DECLARED)).prefixes == ("appearance.",)
    assert sharing(root, Way(share=ALL)).prefixes == ()
    local = sharing(root, Way(share=ALL_BUT_NORMS)).prefixes
    assert set(local) == set(norms(root))
    assert all("shape." in prefix for prefix in local)
    assert len(local) == 6  # a group norm in each level of encoder and decoder


def test_a_model_of_one_place_has_all_its_weights() -> None:
    task = task_of("brain_mri_anomaly")
    assert way_of(task, "local:site-a").share == way_of(task, "pooled").share == ALL
    assert way_of(task, "split").share == DECLARED
