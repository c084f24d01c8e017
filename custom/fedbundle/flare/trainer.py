"""One hospital's share of a round: the bundle's own MONAI workflow, with weights put in and taken out."""

import copy
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigWorkflow
from monai.transforms import Randomizable

from fedbundle.bundle.declared import PHANTOM, calibration, key_metric, size_configs
from fedbundle.bundle.layout import Bundle
from fedbundle.errors import DatasetError
from fedbundle.files import sha256, write_json
from fedbundle.flare.answer import EVALUATED, USED, Answer
from fedbundle.flare.evaluation import Evaluation
from fedbundle.flare.fedavg import Weights, distance
from fedbundle.flare.names import checked_section
from fedbundle.flare.statistics import Measured, summaries
from fedbundle.site.dataset import CheckedDataset, check_dataset, needed_keys
from fedbundle.site.home import SiteHome

VALIDATION = "validation"


class Trainer:
    """Trains and evaluates one bundle on one dataset.

    Not MONAI's MonaiAlgo: that returns tensors which alias the live network, keeps the optimizer's state over
    rounds, builds the validation set twice and writes into the bundle's own models folder.

    Nothing but the weights goes from one round to the next: optimizer state begins afresh, and shuffling and
    augmentation depend on seed and round alone. So the same seed gives the same weights, and a run that goes on from
    a completed round gives what it would have given without the break.

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
    ) -> None:
        self.root, self.dataset, self.scratch = root, dataset, scratch
        self.local_epochs, self.device, self.seed = local_epochs, device, seed
        self.recipe_digest, self.min_cell, self.size = recipe_digest, min_cell, size
        self.datalist = scratch / "datalist.json"
        write_json(self.datalist, dataset.datalist)
        self.workflow = self._workflow()
        self.network = self.workflow.parser.get_parsed_content("network")
        self.optimizer = self.workflow.parser.get_parsed_content("optimizer")
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
    ) -> "Trainer":
        """Trainer over the site's own dataset; notes in runs.jsonl that this run uses it.

        Raises:
            DatasetError: no dataset, an empty section, or more damaged cases than the site's budget.
        """
        dataset = site_dataset(home, bundle)
        version = sha256(dataset.folder / "datalist.json")
        home.record_run({"job": job, "bundle": bundle, "recipe_digest": recipe_digest, "dataset": version})
        scratch = Path.cwd() / "fedbundle"
        scratch.mkdir(exist_ok=True)
        root = home.bundle_dir(bundle)
        return cls(root, dataset, scratch, local_epochs, device, seed, recipe_digest, home.min_cell, size)

    def train(self, weights: Weights, number: int = 0) -> Answer:
        """Evaluate the weights received on the site's validation cases, then train them for `local_epochs`.

        Args:
            weights: of the federation.
            number: of the round; with the seed it decides shuffling and augmentation.
        """
        started = time.monotonic()
        self._load(weights)
        metrics = self._summaries(VALIDATION)
        self.optimizer.load_state_dict(copy.deepcopy(self.fresh_optimizer))
        self._draw_anew(number)
        engine = self.workflow.trainer
        before = engine.state.iteration
        engine.state.max_epochs = engine.state.epoch + self.local_epochs
        engine.run()
        trained = self.weights()
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

    def evaluate(self, weights: Weights, split: str) -> Answer:
        """Evaluate the weights received on one section of the site's datalist; no weights go back.

        Raises:
            JobRefusedError: there is no such section.
            DatasetError: the section is empty, since the bundle gives it no share of the patients.
        """
        if not self.dataset.datalist[checked_section(split)]:
            raise DatasetError(f"section {split} must hold cases to be evaluated, got none; splits gives it no share")
        started = time.monotonic()
        self._load(weights)
        metrics = self._summaries(split)
        return Answer(
            EVALUATED,
            metrics=metrics,
            seconds=round(time.monotonic() - started, 2),
            recipe_digest=self.recipe_digest,
        )

    def measure(self, split: str, weights: Weights | None = None) -> dict[str, Measured]:
        """Each metric of one section, case by case, for weights or for what the network holds; stays at the site."""
        if weights is not None:
            self._load(weights)
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
        return self._workflow(network=network, validation_section=split, **overrides)

    def weights(self) -> dict[str, np.ndarray]:
        """A copy of the network's weights."""
        return {name: value.detach().cpu().numpy().copy() for name, value in self.network.state_dict().items()}

    def _workflow(self, **overrides: Any) -> ConfigWorkflow:
        workflow = ConfigWorkflow(
            config_file=[str(self.root / file) for file in size_configs(self.root, "train.json", self.size)],
            meta_file=str(self.root / "configs" / "metadata.json"),
            logging_file=False,
            workflow_type="train",
            bundle_root=str(self.root),
            dataset_dir=str(self.dataset.folder),
            datalist=str(self.datalist),
            ckpt_dir=str(self.scratch),
            output_dir=str(self.scratch),
            device=f"$torch.device('{self.device}')",
            seed=self.seed,
            **overrides,
        )
        workflow.initialize()
        return workflow

    def _draw_anew(self, number: int) -> None:
        """Seed everything that is drawn at random in a round: order of the cases, augmentation, dropout."""
        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        torch.manual_seed(seed)
        transform = getattr(self.workflow.parser.get_parsed_content("train#dataset"), "transform", None)
        if isinstance(transform, Randomizable):
            transform.set_random_state(seed=seed)

    def _load(self, weights: Weights) -> None:
        state = {name: torch.as_tensor(np.asarray(value)) for name, value in weights.items()}
        self.network.load_state_dict(state, strict=True)

    def _summaries(self, split: str) -> dict[str, Any]:
        """What may leave of a section; weights are selected by the validation alone."""
        key = key_metric(self.root) if split == VALIDATION else ""
        patients, grid = self.dataset.patients(split), calibration(self.root).metrics
        return summaries(self.measure(split), patients, self.min_cell, self.seed, key, grid)


def site_dataset(home: SiteHome, bundle: str) -> CheckedDataset:
    """What a run meets at a site: cases that are as they were ingested and keep the bundle's data contract.

    Raises:
        DatasetError: no dataset, an empty section, or more unusable cases than the site's budget.
    """
    rules = Bundle.open(home.bundle_dir(bundle)).ingest_rules
    return check_dataset(home.dataset_dir(bundle), home.max_dropped, needed_keys(rules), home.min_cell, rules)
