"""The rules by name, in the order in which they are tried: first those that evaluate nothing of the bundle."""

from collections.abc import Callable, Iterable

from fedbundle.check.finding import Problem
from fedbundle.check.names import NAMES
from fedbundle.check.rules.classes import classes
from fedbundle.check.rules.dicom import dicom
from fedbundle.check.rules.digests import digests
from fedbundle.check.rules.documents import documents
from fedbundle.check.rules.evaluates import evaluates
from fedbundle.check.rules.exports import onnx, torch_export, torchscript
from fedbundle.check.rules.federation import federation
from fedbundle.check.rules.infers import infers
from fedbundle.check.rules.layout import layout
from fedbundle.check.rules.metadata import metadata
from fedbundle.check.rules.net_in_out import net_in_out
from fedbundle.check.rules.one_recipe import one_recipe
from fedbundle.check.rules.overlays import overlays
from fedbundle.check.rules.properties import properties
from fedbundle.check.rules.references import references
from fedbundle.check.rules.several_gpus import several_gpus
from fedbundle.check.rules.targets import targets
from fedbundle.check.rules.trains import trains
from fedbundle.check.rules.version import version
from fedbundle.check.subject import Subject

Rule = Callable[[Subject], Iterable[Problem]]
_KNOWN: tuple[Rule, ...] = (
    *(layout, documents, metadata, version, dicom, digests, overlays, references, federation, classes, one_recipe),
    *(targets, properties, net_in_out, torchscript, torch_export, onnx, trains, evaluates, infers, several_gpus),
)
RULES: dict[str, Rule] = dict(zip(NAMES, _KNOWN, strict=True))
