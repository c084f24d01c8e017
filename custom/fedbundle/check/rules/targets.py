"""Every _target_ of every config is something that can be imported and called with the arguments that stand there."""

import ast
import inspect
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pydoc import ErrorDuringImport, locate
from typing import Any

from monai.bundle import ComponentLocator, ConfigComponent, ConfigParser

from fedbundle.check.finding import NotTriedError, Problem
from fedbundle.check.rules.references import SETS
from fedbundle.check.subject import SEPARATOR, Subject, written
from fedbundle.check.walk import found, walk

REFERENCE = re.compile(r"[@%]\w*(?:::\w+|#\w+)*")


def targets(bundle: Subject) -> Iterator[Problem]:
    """Names, arguments and the grammar of expressions; each place is told once, with the file that set it."""
    locator, seen = ComponentLocator(), set()
    for files in SETS:
        try:
            config = bundle.parser(*files).get()
        except NotTriedError:
            continue
        for key, value in walk(config):
            for place, problem in _problems(key, value, config, locator):
                file = bundle.origin(place, list(files))
                if (file, place) not in seen:
                    seen.add((file, place))
                    yield Problem(file, written(place), problem)


def _problems(key: str, value: Any, config: dict[str, Any], locator: ComponentLocator) -> Iterator[tuple[str, str]]:
    expression = isinstance(value, str) and value.startswith("$") and not key.startswith("_meta_")
    if expression and (problem := _ungrammatical(value)):
        yield key, problem
    if not (isinstance(value, Mapping) and ConfigComponent.is_instantiable(value)):
        return
    place = f"{key}{SEPARATOR}_target_" if key else "_target_"
    target = _plain(value["_target_"], config, place)
    if target is None:
        return
    component, problem = _component({"_target_": target}, locator)
    if component is None:
        yield place, f"{target} {problem}"
        return
    for argument, why in _unwelcome(component, ConfigComponent(dict(value), locator=locator), target):
        yield (f"{key}{SEPARATOR}{argument}" if argument else key), why


def _plain(target: Any, config: dict[str, Any], place: str) -> str | None:
    """The name behind references and macros; None where only a run knows it."""
    for _ in range(10):  # a chain of references; a circle is none of ours
        if not isinstance(target, str) or target.startswith("$"):
            return None
        if target[:1] not in ("@", "%"):
            return target
        try:
            target = found(config, ConfigParser.resolve_relative_ids(place, target)[1:])
        except KeyError:
            return None  # told by the rule references
    return None


def _component(config: dict[str, Any], locator: ComponentLocator) -> tuple[Callable[..., Any] | None, str]:
    """What a target names, or None and why not."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            name = ConfigComponent(config, locator=locator).resolve_module_name()
        component = locate(name)
    except ErrorDuringImport as error:
        return None, f"must be importable, got: {error.value}; mend it"
    if component is None:
        return None, "must be importable, got no such name; check the spelling and the packages the bundle names"
    if not callable(component):
        return None, f"must be callable, got {type(component).__name__}; name a class or a function"
    if any("more than 1 component" in str(told.message) for told in caught):
        return None, "must be one component, got several of that name in MONAI; write its full path"
    return component, ""


def _unwelcome(component: Callable[..., Any], item: ConfigComponent, target: str) -> Iterator[tuple[str, str]]:
    """Arguments that a component does not take ("" = the call as a whole), with the reason."""
    try:
        signature = inspect.signature(component)
    except (ValueError, TypeError):
        return  # written in C
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    given = item.resolve_args()
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        for argument in given.keys() - signature.parameters.keys():
            yield argument, f"must be an argument of {target}, got another; mend it"
    if item.get_config().get("_mode_", "default") == "default" and given.keys() <= signature.parameters.keys():
        try:
            signature.bind(**given)
        except TypeError as error:
            yield "", f"must give {target} what it needs, got: {error}; add it"


def _ungrammatical(expression: str) -> str:
    """Why Python cannot read an expression, or ""."""
    body = REFERENCE.sub("_", expression[1:])
    try:
        ast.parse(body.strip(), mode="exec" if body.lstrip().startswith(("import ", "from ")) else "eval")
    except SyntaxError as error:
        return f"must be a Python expression, got: {error.msg}; mend it"
    return ""
