"""One hospital's share of a round: the bundle's own MONAI workflow, with weights put in and taken out."""

import copy
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigWorkflow
from monai.transforms import Randomizable

from fedbundle.bundle.declared import PHANTOM, calibration, key_metric
from fedbundle.bundle.layout import Bundle
from fedbundle.errors import BundleError, DatasetError
from fedbundle.files import sha256, write_json
from fedbundle.flare.answer import EVALUATED, USED, Answer
from fedbundle.flare.evaluation import Evaluation
from fedbundle.flare.fedavg import Weights, distance
from fedbundle.flare.first_weights import first_weights
from fedbundle.flare.local_weights import LocalWeights
from fedbundle.flare.names import checked_section
from fedbundle.flare.shared import LOCAL, Sharing
from fedbundle.flare.statistics import Measured, summaries
from fedbundle.flare.workflow import JUDGED, OPTIMIZER, TRAINED, TRAINER, Workplace, part_of, schedulers
from fedbundle.site.binding import Binding, datalist_file
from fedbundle.site.bound_dataset import bound_dataset
from fedbundle.site.dataset import CheckedDataset, check_dataset, needed_keys
from fedbundle.site.home import SiteHome

VALIDATION, TEST = "validation", "test"


class Trainer:
    """Trains and evaluates one bundle on one dataset.

    Not MONAI's MonaiAlgo: that returns tensors which alias the live network, keeps the optimizer's state over
    rounds, builds the validation set twice and writes into the bundle's own models folder.

    Nothing but weights goes from one round to the next, those of the federation and those that stay here: optimizer
    state begins afresh, and shuffling and augmentation depend on seed and round alone. So the same seed and the same
    weights to begin with give the same weights, and a run that goes on from a completed round gives what it would have
    given without the break. Of what stays here, a run begins with what the last job of the same recipe has left.

    Args:
        root: bundle folder; must already stand first on sys.path.
        dataset: the site's checked dataset.
        scratch: folder for this run's own files.
        local_epochs: passes over the training cases per round.
        device: `cpu` or `cuda`.
        seed: seed of shuffling and augmentation.
        recipe_digest: reported with every answer.
        min_cell: counts of fewer patients are told as "<min_cell".
        size: `phantom` or `full`.
        sharing: which weights travel; default: as the bundle declares.
        local: where the others lie; default: in `scratch`.
        binding: ids of the bundle for the site's cases and values; default: fedbundle's convention.

    Raises:
        BundleError: the bundle lacks an id that is needed, or its evaluator runs another network than the trained one.
    """

    def __init__(
        self,
        root: Path,
        dataset: CheckedDataset,
        scratch: Path,
        local_epochs: int,
        device: str,
        seed: int,
        recipe_digest: str,
        min_cell: int,
        size: str = PHANTOM,
        sharing: Sharing | None = None,
        local: LocalWeights | None = None,
        binding: Binding | None = None,
    ) -> None:
        self.root, self.dataset, self.scratch = root, dataset, scratch
        self.local_epochs, self.device, self.seed = local_epochs, device, seed
        self.recipe_digest, self.min_cell, self.size = recipe_digest, min_cell, size
        self.datalist = scratch / "datalist.json"
        write_json(self.datalist, dataset.datalist)
        self.workplace = Workplace(
            root, dataset.folder, self.datalist, scratch, device, seed, size, binding or Binding()
        )
        self.workflow = self.workplace.workflow(VALIDATION)
        self.network = part_of(self.workflow, TRAINED)
        if part_of(self.workflow, JUDGED) is not self.network:
            raise BundleError(
                f"{JUDGED} in configs/train.json of {root.name} must be the network of {TRAINER}, got another "
                "object; a bundle that evaluates a copy cannot be federated, ask its authors"
            )
        self.optimizer = part_of(self.workflow, OPTIMIZER)
        self.schedulers = [(each, copy.deepcopy(each.state_dict())) for each in schedulers(self.workflow)]
        self.sharing = sharing or Sharing.of(root)
        _, self.first_local = self.sharing.split(first_weights(root, seed, size))
        self.local = local or LocalWeights(scratch / "local", "run", size, recipe_digest)
        self.fresh_optimizer = copy.deepcopy(self.optimizer.state_dict())
        self.evaluations: dict[str, Evaluation] = {}

    @classmethod
    def of_site(
        cls,
        home: SiteHome,
        bundle: str,
        recipe_digest: str,
        job: str,
        local_epochs: int,
        device: str,
        seed: int,
        size: str = PHANTOM,
        keep_local: Sequence[str] = (),
        batch_statistics: str = LOCAL,
    ) -> "Trainer":
        """Trainer over the site's own dataset; notes in runs.jsonl that this run uses it.

        Raises:
            DatasetError: no dataset, an empty section, or more damaged cases than the site's budget.
            BundleError: a stock bundle lacks an id that a federation needs, or that site.toml binds; see Trainer.
        """
        opened = Bundle.open(home.bundle_dir(bundle))
        binding, dataset = Binding.of(home, opened), site_dataset(home, bundle)
        version = sha256(datalist_file(home, opened))
        home.record_run({"job": job, "bundle": bundle, "recipe_digest": recipe_digest, "dataset": version})
        scratch = Path.cwd() / "fedbundle"
        scratch.mkdir(exist_ok=True)
        root = opened.root
        sharing = Sharing.of(root, keep_local, batch_statistics)
        local = LocalWeights(home.local_dir(bundle), job, size, recipe_digest)
        return cls(
            *(root, dataset, scratch, local_epochs, device, seed, recipe_digest, home.min_cell, size),
            sharing=sharing,
            local=local,
            binding=binding,
        )

    def train(self, weights: Weights, number: int = 0) -> Answer:
        """Evaluate the weights received on the site's validation cases, then train them for `local_epochs`.

        Args:
            weights: of the federation, those that travel.
            number: of the round; with the seed it decides shuffling and augmentation.
        """
        started = time.monotonic()
        if not number:
            self.local.begin()
        self._load(weights, number)
        metrics = self._summaries(VALIDATION)
        engine = part_of(self.workflow, TRAINER)
        self.optimizer.load_state_dict(copy.deepcopy(self.fresh_optimizer))
        for scheduler, fresh in self.schedulers:
            scheduler.load_state_dict(copy.deepcopy(fresh))
        self._draw_anew(number, engine)
        before = engine.state.iteration
        engine.state.max_epochs = engine.state.epoch + self.local_epochs
        engine.run()
        trained, stays = self.sharing.split(self._state())
        if stays:
            self.local.put(number + 1, stays)
        return Answer(
            USED,
            cases=self.dataset.cases(self.min_cell),
            steps=engine.state.iteration - before,
            weight=float(len(self.dataset.datalist["training"])),
            metrics=metrics,
            seconds=round(time.monotonic() - started, 2),
            recipe_digest=self.recipe_digest,
            update_norm=distance(trained, weights),
            params=trained,
        )

    def evaluate(self, weights: Weights, split: str, number: int = 0) -> Answer:
        """Evaluate the weights received on one section of the site's datalist; no weights go back.

        A test is of the weights that were selected: those that stay here and belong to them are kept for the next job.

        Args:
            weights: of the federation, those that travel.
            split: section of the datalist.
            number: how many rounds have made the weights.

        Raises:
            JobRefusedError: there is no such section.
            DatasetError: the section is empty, since the bundle gives it no share of the patients.
        """
        if not self.dataset.datalist[checked_section(split)]:
            raise DatasetError(f"section {split} must hold cases to be evaluated, got none; splits gives it no share")
        started = time.monotonic()
        self._load(weights, number)
        metrics = self._summaries(split)
        if split == TEST and self.first_local:
            _, stays = self.sharing.split(self._state())  # with what the evaluator has set, such as limits
            self.local.select(number, weights, stays)
        return Answer(
            EVALUATED,
            metrics=metrics,
            seconds=round(time.monotonic() - started, 2),
            recipe_digest=self.recipe_digest,
        )

    def measure(self, split: str, weights: Weights | None = None, number: int = 0) -> dict[str, Measured]:
        """Each metric of one section, case by case; stays at the site.

        Args:
            split: section of the datalist.
            weights: those that travel; None = what the network holds.
            number: how many rounds have made the weights.
        """
        if weights is not None:
            self._load(weights, number)
        if split not in self.evaluations:
            self.evaluations[split] = self.evaluation(split, self.network)
        return self.evaluations[split].run(len(self.dataset.datalist[split]))

    def evaluation(self, split: str, network: torch.nn.Module, **overrides: Any) -> Evaluation:
        """The bundle's evaluator over one section of the datalist, for this or another network with its interface."""
        return Evaluation(self.section(split, network, **overrides))

    def section(self, split: str, network: torch.nn.Module, **overrides: Any) -> ConfigWorkflow:
        """The bundle's workflow whose validation is one section of the datalist."""
        if network is self.network and split == VALIDATION and not overrides:
            return self.workflow
        return self.workplace.workflow(split, network, **overrides)

    def weights(self) -> dict[str, np.ndarray]:
        """A copy of the network's weights, those that travel."""
        travel, _ = self.sharing.split(self._state())
        return travel

    def _state(self) -> dict[str, np.ndarray]:
        return {name: value.detach().cpu().numpy().copy() for name, value in self.network.state_dict().items()}

    def _draw_anew(self, number: int, engine: Any) -> None:
        """Seed everything that is drawn at random in a round: order of the cases, augmentation, dropout."""
        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        transform = getattr(getattr(engine.data_loader, "dataset", None), "transform", None)
        if isinstance(transform, Randomizable):
            transform.set_random_state(seed=seed)

    def _load(self, weights: Weights, number: int) -> None:
        local = self.local.at(number, self.first_local) if self.first_local else {}
        state = {name: torch.as_tensor(np.asarray(value)) for name, value in {**weights, **local}.items()}
        self.network.load_state_dict(state, strict=True)

    def _summaries(self, split: str) -> dict[str, Any]:
        """What may leave of a section; weights are selected by the validation alone."""
        key = key_metric(self.root) if split == VALIDATION else ""
        patients, grid = self.dataset.patients(split), calibration(self.root).metrics
        measured = self.measure(split)
        if key and key not in measured:
            raise BundleError(f"{key} must be one number, got none from the validation; its bundle cannot be federated")
        return summaries(measured, patients, self.min_cell, self.seed, key, grid)


def site_dataset(home: SiteHome, bundle: str) -> CheckedDataset:
    """What a run meets at a site: cases that are as they were ingested and keep the bundle's data contract.

    For a stock bundle they are those to which site.toml binds it.

    Raises:
        DatasetError: no dataset, an empty section, or more unusable cases than the site's budget.
    """
    opened = Bundle.open(home.bundle_dir(bundle))
    if opened.stock:
        return bound_dataset(home, opened)
    rules = opened.ingest_rules
    return check_dataset(home.dataset_dir(bundle), home.max_dropped, needed_keys(rules), home.min_cell, rules)
