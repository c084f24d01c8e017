"""The tasks: which phantoms, how much training, arms, metric, and the targets that were fixed before any run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from value.targets import AtLeast, Target, standard
from value.ways import FEDAVG, FEDAVGM, Way


@dataclass(frozen=True)
class Task:
    """One bundle on its phantoms; the names of sites are those of the phantom's profiles."""

    bundle: str
    metric: str  # of the evaluator, primary
    called: str  # the metric in words
    trivial: str  # what the trivial arm does
    sites: tuple[str, ...]  # that train
    unseen: str  # that never trains
    patients: int  # at each site; the bundle's own splits apply, the unseen site tests on all
    rounds: int
    local_epochs: int
    ways: Mapping[str, Way]  # to federate, by name of the arm
    targets: tuple[Target, ...]
    most: Mapping[str, int] = field(default_factory=dict)  # cases of a section that a site uses; default: all
    calibrated: bool = False  # whether calibration is reported

    @property
    def plan(self) -> str:
        """All of it that every cell hangs on."""
        return repr((self.bundle, self.sites, self.unseen, self.patients, self.rounds, self.local_epochs, self.most))


TASKS = (
    Task(
        bundle="prostate_mri_zones",
        metric="val_mean_dice",
        called="Dice, mean of both zones",
        trivial="how often a voxel of the working grid is which zone in the training cases, whatever the image shows",
        sites=("site-a", "site-b", "site-c"),
        unseen="site-d",
        patients=24,
        rounds=16,
        local_epochs=3,
        ways={FEDAVG: Way(), FEDAVGM: Way(server_momentum=0.5)},
        targets=(*standard(FEDAVG, 0.02), *standard(FEDAVGM, 0.02)),
    ),
    Task(
        bundle="prostate_mripet_lesion",
        metric="val_picai_score",
        called="PI-CAI score, mean of AUROC and AP",
        trivial="high b-value less ADC, voxel by voxel; nothing is learnt",
        sites=("site-a", "site-b", "site-c", "site-d"),
        unseen="site-e",
        patients=120,
        most={"training": 40, "validation": 16},
        rounds=10,
        local_epochs=1,
        ways={
            FEDAVG: Way(),
            FEDAVGM: Way(server_momentum=0.5),
            f"{FEDAVG}:without-pet": Way(sites=("site-b", "site-c")),
        },
        targets=(
            *standard(FEDAVG, 0.03),
            *standard(FEDAVGM, 0.03),
            AtLeast(FEDAVG, f"{FEDAVG}:without-pet", 0.02, ("site-b", "site-c")),
        ),
    ),
    Task(
        bundle="hip_radiograph_fracture",
        metric="val_auc_fracture",
        called="AUROC, fracture or none, per hip",
        trivial="logistic regression on thumbnails of 16 x 16 pixels",
        sites=("site-a", "site-b", "site-c"),
        unseen="site-d",
        patients=200,
        rounds=17,
        local_epochs=2,
        ways={FEDAVG: Way(), FEDAVGM: Way(server_momentum=0.5)},
        targets=(*standard(FEDAVG, 0.02), *standard(FEDAVGM, 0.02)),
        calibrated=True,
    ),
)


def task_of(bundle: str) -> Task:
    """The task of a bundle."""
    return next(task for task in TASKS if task.bundle == bundle)
