"""The tasks: which phantoms, how much training, which metric, and the targets that were fixed before any run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Subsets = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Task:
    """One bundle on its phantoms; the names of sites are those of the phantom's profiles."""

    bundle: str
    metric: str  # of the evaluator, primary
    called: str  # the metric in words
    trivial: str  # what the trivial arm does
    margin: float  # federated averaging may lie this far below pooled training
    sites: tuple[str, ...]  # that train
    unseen: str  # that never trains
    patients: int  # at each site; the bundle's own splits apply, the unseen site tests on all
    rounds: int
    local_epochs: int
    most: Mapping[str, int] = field(default_factory=dict)  # cases of a section that a site uses; default: all
    server_momentum: float = 0.5  # of the arm `fedavgm`
    subsets: Subsets = field(default_factory=dict)  # federations of some of the sites: name -> sites
    calibrated: bool = False  # whether calibration is reported
    harm: tuple[str, float] | None = None  # a subset that the full federation may not harm by more than this


TASKS = (
    Task(
        bundle="prostate_mri_zones",
        metric="val_mean_dice",
        called="Dice, mean of both zones",
        trivial="how often a voxel of the working grid is which zone in the training cases, whatever the image shows",
        margin=0.02,
        sites=("site-a", "site-b", "site-c"),
        unseen="site-d",
        patients=24,
        rounds=16,
        local_epochs=3,
    ),
    Task(
        bundle="prostate_mripet_lesion",
        metric="val_picai_score",
        called="PI-CAI score, mean of AUROC and AP",
        trivial="high b-value less ADC, voxel by voxel; nothing is learnt",
        margin=0.03,
        sites=("site-a", "site-b", "site-c", "site-d"),
        unseen="site-e",
        patients=120,
        most={"training": 40, "validation": 16},
        rounds=10,
        local_epochs=1,
        subsets={"without-pet": ("site-b", "site-c")},
        harm=("without-pet", 0.02),
    ),
    Task(
        bundle="hip_radiograph_fracture",
        metric="val_auc_fracture",
        called="AUROC, fracture or none, per hip",
        trivial="logistic regression on thumbnails of 16 x 16 pixels",
        margin=0.02,
        sites=("site-a", "site-b", "site-c"),
        unseen="site-d",
        patients=200,
        rounds=17,
        local_epochs=2,
        calibrated=True,
    ),
)


def task_of(bundle: str) -> Task:
    """The task of a bundle."""
    return next(task for task in TASKS if task.bundle == bundle)
