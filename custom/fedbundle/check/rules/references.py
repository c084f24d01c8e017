"""Every @reference and %macro of every config leads somewhere; nothing is evaluated to find out."""

from collections.abc import Iterator
from pathlib import Path

from monai.bundle import ConfigParser, ReferenceResolver

from fedbundle.check.finding import NotTriedError, Problem
from fedbundle.check.subject import EVALUATE, FULL_SIZE, INFERENCE, SEVERAL_GPUS, TRAIN, Subject, normal, written
from fedbundle.check.walk import has, walk

SETS = ((TRAIN,), (TRAIN, EVALUATE), (INFERENCE,), (TRAIN, SEVERAL_GPUS), (TRAIN, FULL_SIZE))


def references(bundle: Subject) -> Iterator[Problem]:
    """The last file of each set is looked through, with all of the set as the place where it may lead."""
    for files in SETS:
        try:
            whole = bundle.parser(*files)
            own = bundle.json(files[-1])
        except NotTriedError:
            continue  # told by layout and overlays; the other sets can still be judged
        for key, value in walk(own):
            if isinstance(value, str):
                for mark, wanted in _named(normal(key.removeprefix("+")), value):
                    if not has(whole.get(), wanted):
                        yield Problem(
                            files[-1],
                            written(key),
                            f"{mark}{written(wanted)} must lead to a key of {' + '.join(files)}, got none; mend it",
                        )


def _named(key: str, value: str) -> Iterator[tuple[str, str]]:
    """References and macros in one string: mark and absolute key. A macro into another file is left to MONAI."""
    absolute = ConfigParser.resolve_relative_ids(key, value)
    for name in ReferenceResolver.match_refs_pattern(absolute):
        if name:  # a lone @ is the operator of matrices
            yield "@", name
    if absolute.startswith("%") and not Path(absolute[1:].split("::")[0]).suffix:
        yield "%", absolute[1:]
