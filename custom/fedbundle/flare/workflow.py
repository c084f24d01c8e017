"""The bundle's own MONAI workflow, with what a run sets put in at the ids by which the bundle calls it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser, ConfigWorkflow

from fedbundle.bundle.declared import size_configs
from fedbundle.bundle.ids import found, has, place
from fedbundle.bundle.vendor import copy_bundle
from fedbundle.errors import BundleError
from fedbundle.files import new_folder
from fedbundle.site.binding import Binding

TRAINER, EVALUATOR = "train#trainer", "validate#evaluator"
TRAINED, OPTIMIZER, HANDLERS = (f"{TRAINER}#{part}" for part in ("network", "optimizer", "train_handlers"))
JUDGED = f"{EVALUATOR}#network"
OURS = ("datalist", "validation_section")  # by our convention alone; elsewhere these may be anything
CASES = "fedbundle_cases"  # id of the file with the cases, for bundles that do not read it by themselves
ATTACHED = (HANDLERS, f"{EVALUATOR}#val_handlers")
RETIRED = ("ValidationHandler", "CheckpointLoader", "EarlyStopHandler")  # of the lists of handlers; see Workplace
ALL_HANDLERS = "fedbundle_handlers_{}"  # ids of the handlers that the bundle lists, before any is left out


@dataclass(frozen=True)
class Workplace:
    """Where and on what a run works; makes workflows of the bundle's train.json there.

    The bundle's `bundle_root` is a copy in the run's scratch folder, so that whatever its configs write below it
    (checkpoints, results) lies there, and never in the installed bundle. Handlers that would run a validation of their
    own, load other weights than the federation's, or end training before its time, are left out.

    Args:
        root: bundle folder; must already stand first on sys.path.
        dataset_dir: folder of the site's data.
        datalist: file with the cases of this run.
        scratch: folder for this run's own files.
        device: `cpu` or `cuda`.
        seed: of what is drawn at random.
        size: `phantom` or `full`.
        binding: ids of the bundle for this site's cases and values.
    """

    root: Path
    dataset_dir: Path
    datalist: Path
    scratch: Path
    device: str
    seed: int
    size: str
    binding: Binding = field(default_factory=Binding)

    def workflow(self, section: str, network: torch.nn.Module | None = None, **overrides: Any) -> ConfigWorkflow:
        """A workflow whose validation is one section of the datalist, initialized.

        Args:
            section: of the datalist.
            network: takes the place of the bundle's own; must have its interface.
            overrides: further values by id.

        Raises:
            BundleError: the bundle lacks an id that is needed.
        """
        made = ConfigWorkflow(
            config_file=[str(self.root / file) for file in size_configs(self.root, "train.json", self.size)],
            meta_file=str(self.root / "configs" / "metadata.json"),
            logging_file=False,
            workflow_type="train",
        )
        values = self._by_convention(section) | overrides | ({} if network is None else {"network": network})
        bound: dict[str, Any] = {}
        if self.binding.training:
            values = {key: value for key, value in values.items() if key in made.parser and key not in OURS}
            bound = self._bound(section) | ({} if network is None else {JUDGED: network})
        made.parser.update(pairs=values)
        made.parser.resolve_macro_and_relative_ids()  # what is set below may lie in a copy of another part
        bound |= dict.fromkeys(_retired(made.parser.get()), True)
        made.parser.update(pairs={place(made.parser.get(), key): value for key, value in bound.items()})
        made.parser.update(pairs=_left(made.parser))
        made.initialize()
        return made

    def copy(self) -> Path:
        """The folder that configs see as `bundle_root`, made when it is first asked for."""
        folder = self.scratch / "bundle"
        if not folder.is_dir():
            with new_folder(folder) as part:
                copy_bundle(self.root, part)
        return folder

    def _by_convention(self, section: str) -> dict[str, Any]:
        return {
            "bundle_root": str(self.copy()),
            "dataset_dir": str(self.dataset_dir),
            "datalist": str(self.datalist),
            "validation_section": section,
            "ckpt_dir": str(self.scratch),
            "output_dir": str(self.scratch),
            "device": f"$torch.device('{self.device}')",
            "seed": self.seed,
        }

    def _bound(self, section: str) -> dict[str, Any]:
        """What the binding sets: cases as a list that MONAI reads from the run's file, then the site's own values."""
        places = {"dataset_dir": self.dataset_dir, "datalist": self.datalist, "scratch": self.scratch}
        cases = {self.binding.training: "training", self.binding.validation: section}
        return {
            CASES: str(self.datalist),
            **{key: f"$monai.bundle.ConfigParser.load_config_file(@{CASES})[{part!r}]" for key, part in cases.items()},
            **{key: _placed(value, places) for key, value in self.binding.values.items()},
        }


def part_of(made: ConfigWorkflow, key: str) -> Any:
    """The object at `key`, the same that trainer and evaluator get.

    Raises:
        BundleError: there is none.
    """
    if not has(made.parser.get(), key):
        raise BundleError(f"configs/train.json must have the id {key}, got none; a bundle without cannot be federated")
    return made.parser.get_parsed_content(place(made.parser.get(), key))


def schedulers(made: ConfigWorkflow) -> list[Any]:
    """Learning rate schedulers that handlers of the trainer step."""
    handlers = part_of(made, HANDLERS) if has(made.parser.get(), HANDLERS) else None
    return [handler.lr_scheduler for handler in handlers or [] if hasattr(handler, "lr_scheduler")]


def _placed(value: Any, places: dict[str, Path]) -> Any:
    if isinstance(value, str):
        for name, path in places.items():
            value = value.replace(f"{{{name}}}", str(path))
    return value


def _retired(config: Any, key: str = "") -> Iterator[str]:
    """Ids that switch off those members of lists that must not act in a federated run."""
    for name, part in config.items() if isinstance(config, dict) else enumerate(config):
        below = f"{key}#{name}" if key else str(name)
        target = str(part.get("_target_", "")) if isinstance(config, list) and isinstance(part, dict) else ""
        if target.rpartition(".")[2] in RETIRED:
            yield f"{below}#_disabled_"
        if isinstance(part, dict | list):
            yield from _retired(part, below)


def _left(parser: ConfigParser) -> dict[str, Any]:
    """Lists of handlers without those that must not act, by the class of what was built.

    A list may name its handlers by reference or make them in an expression, where `_retired` cannot see them.
    """
    pairs: dict[str, Any] = {}
    config = parser.get()
    for number, key in enumerate(ATTACHED):
        if has(config, key) and _is_unclear(found(config, key)):
            where, everyone = place(config, key), ALL_HANDLERS.format(number)
            classes = "{one.__name__ for one in type(each).__mro__}"
            kept = f"each for each in monai.utils.ensure_tuple(@{everyone}) if not {classes} & set({RETIRED!r})"
            pairs |= {everyone: parser[where], where: f"$[{kept}]"}
    return pairs


def _is_unclear(listed: Any) -> bool:
    """Whether only a run would know of a list of handlers what each of them is."""
    return isinstance(listed, str) or (isinstance(listed, list) and any(isinstance(each, str) for each in listed))
