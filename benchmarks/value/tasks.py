"""The tasks: which phantoms, how much training, arms, metric, and the targets that were fixed before any run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from value.targets import OTHERS, OWN, WORST, Above, AtLeast, Share, Target, Within, standard
from value.ways import (
    AGE_ONLY,
    ALL,
    ALL_BUT_NORMS,
    FACTORS_ONLY,
    FEDAVG,
    FEDAVGM,
    FEDBN,
    ORACLE,
    SPLIT,
    THRESHOLD,
    TRIVIAL,
    Way,
)


@dataclass(frozen=True)
class Task:
    """One bundle on its phantoms; the names of sites are those of the phantom's profiles."""

    bundle: str
    metric: str  # of the evaluator, primary
    called: str  # the metric in words
    baselines: Mapping[str, str]  # name of the arm -> what it is
    sites: tuple[str, ...]  # that train
    unseen: str  # that never trains
    patients: int  # at each site; the bundle's own splits apply, the unseen site tests on all
    rounds: int
    local_epochs: int
    ways: Mapping[str, Way]  # to federate, by name of the arm
    targets: tuple[Target, ...]
    most: Mapping[str, int] = field(default_factory=dict)  # cases of a section that a site uses; default: all
    seed: int = 3000  # of the phantoms; bundles and phantoms were developed on patients of other seeds
    least_events: int = 0  # among the test cases of all sites, for a verdict; 0 = events are not counted
    also: tuple[str, ...] = ()  # metrics that are told beside the primary one
    fused: str = "softmax"  # how the consensus joins outputs; "" = there is no consensus
    calibrated: bool = False  # whether calibration before and after a temperature is reported

    @property
    def plan(self) -> str:
        """All of it that every cell hangs on."""
        sizes = (self.patients, self.rounds, self.local_epochs, self.most, self.seed)
        return repr((self.bundle, self.sites, self.unseen, *sizes, self.fused))


TASKS = (
    Task(
        bundle="prostate_mri_zones",
        metric="val_mean_dice",
        called="Dice, mean of both zones",
        baselines={
            TRIVIAL: "how often each voxel of the working grid is which zone in the training cases, whatever the image"
        },
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
        baselines={TRIVIAL: "high b-value less ADC, voxel by voxel; nothing is learnt"},
        sites=("site-a", "site-b", "site-c", "site-d"),
        unseen="site-e",
        patients=120,
        most={"training": 40, "validation": 16},
        rounds=8,
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
        baselines={TRIVIAL: "logistic regression on thumbnails of 16 x 16 pixels"},
        sites=("site-a", "site-b", "site-c"),
        unseen="site-d",
        patients=200,
        rounds=17,
        local_epochs=2,
        ways={FEDAVG: Way(), FEDAVGM: Way(server_momentum=0.5)},
        targets=(*standard(FEDAVG, 0.02), *standard(FEDAVGM, 0.02)),
        calibrated=True,
    ),
    Task(
        bundle="hip_radiograph_risk",
        metric="val_concordance",
        called="Harrell's C of the risk within ten years, per hip",
        baselines={
            AGE_ONLY: "proportional hazards of age alone",
            FACTORS_ONLY: "proportional hazards, linear in all risk factors and in which are missing, without the film",
            ORACLE: "the phantom's own hazard, which no hospital knows",
        },
        sites=("site-a", "site-b", "site-c", "site-d"),
        unseen="site-e",
        patients=460,
        most={"training": 280, "validation": 60},
        seed=6000,
        least_events=300,
        rounds=6,
        local_epochs=2,
        ways={FEDAVG: Way()},
        targets=(
            Share(FEDAVG, ORACLE, 0.9),
            Within(FEDAVG, "val_calibration_slope", 0.8, 1.2),
            Within(FEDAVG, "val_calibration_slope", 0.8, 1.2, everywhere=True),
            Above(FEDAVG, AGE_ONLY),
            Above(FEDAVG, FACTORS_ONLY),
            Above(FEDAVG, OTHERS),
        ),
        also=("val_concordance_ipcw", "val_auc_5_years", "val_brier", "val_calibration_slope", "val_net_benefit"),
        fused="sigmoid",
    ),
    Task(
        bundle="brain_mri_anomaly",
        metric="val_ap_small_bright_bright",
        called="average precision of small bright lesions by the bright residual",
        baselines={THRESHOLD: "the normalised grey value against its limit on healthy scans; no model"},
        sites=("site-a", "site-b", "site-c", "site-d"),
        unseen="site-e",
        patients=60,
        most={"validation": 6},
        seed=6000,
        rounds=7,
        local_epochs=4,
        ways={
            SPLIT: Way(),
            FEDAVG: Way(share=ALL),
            FEDBN: Way(share=ALL_BUT_NORMS),
        },
        targets=(
            Above(SPLIT, THRESHOLD),
            Above(SPLIT, OWN),
            Above(SPLIT, FEDAVG, WORST, "val_dice_small_bright_bright"),
        ),
        also=(
            "val_dice_small_bright_bright",
            "val_ap_small_bright_absolute",
            "val_ap_mass_bright",
            "val_ap_mass_absolute",
            "val_ap_dark_dark",
            "val_ap_dark_absolute",
            "val_dice_dark_dark",
        ),
        fused="",
    ),
)


def task_of(bundle: str) -> Task:
    """The task of a bundle."""
    return next(task for task in TASKS if task.bundle == bundle)
