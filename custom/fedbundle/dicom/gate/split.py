"""One SeriesInstanceUID may hold several volumes: split them by b-value, echo, kind, time or repetition, where asked.

What a role does not ask for is not split, so the gate refuses such a series by name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fedbundle.dicom.diffusion import is_calculated, is_isotropic
from fedbundle.dicom.gate.objects import is_projection
from fedbundle.dicom.gate.stack import TEMPORAL
from fedbundle.dicom.header import codes, number, tolerant
from fedbundle.dicom.series import Series

UNEQUAL, ABSENT = "UNEQUAL_VOLUMES", "NO_SUCH_VOLUME"
SPLIT_CODES = (UNEQUAL, ABSENT)
# values of Image Type from the third on that may be told in a log (PS3.3 C.8.3.1.1.1, C.8.13.3.1.1)
KIND_WORDS = """
M P R I MAGNITUDE PHASE REAL IMAGINARY MIXED NONE NORM ND DIS2D DIS3D OTHER T1 T2 PROTON_DENSITY DIFFUSION ADC EADC FA
TRACEW B0 FIELD_MAP FLAIR WATER FAT IN_PHASE OUT_PHASE AXIAL
"""
KINDS = frozenset(KIND_WORDS.split())
Key = tuple[Any, ...]
Volumes = list[tuple[list[int], str]]  # indices of slices, and what tells the volume from the others


@dataclass(frozen=True)
class Splitter:
    """One way to tell the volumes of a series apart."""

    asked: Callable[[Series, dict[str, Any]], bool]  # series, role
    keys: Callable[[Series, list[int]], list[Key]]  # series, indices of slices -> for each, the volume it belongs to
    tell: Callable[[Key], str]
    equal: bool = True  # the volumes must lie at the same places
    rule: str = ""  # rule of the role that says which of the volumes is wanted, by number


def split(series: Series, role: dict[str, Any]) -> tuple[list[Series], tuple[str, str] | None]:
    """Volumes of a series among which a role may choose; the series itself where there is nothing to split.

    Volumes that differ by b-value, echo, time or repetition must hold the same places, so a slice that is missing at
    the end of one of them shows.

    Args:
        series: as `scan` returns it.
        role: one entry of `inputs` in configs/ingest.json.

    Returns:
        The volumes; and why the series cannot be split, as reason code and detail.
    """
    volumes: Volumes = [(list(range(len(series.headers))), "")]
    with tolerant():
        for splitter in (each for each in SPLITTERS if each.asked(series, role)):
            found: Volumes = []
            for indices, told in volumes:
                groups = _groups(series, splitter, indices)
                if splitter.equal and (detail := _unequal(series, groups)):
                    return [], (UNEQUAL, detail)
                if splitter.rule and not (groups := _numbered(groups, role[splitter.rule])):
                    return [], (ABSENT, f"no {splitter.rule} {role[splitter.rule]}")
                whole = [part for part, _ in groups] == [indices]
                found += [(part, told if whole else f"{told} {name}".strip()) for part, name in groups]
            volumes = found
    return [series.part(indices, told) if told else series for indices, told in volumes], None


def _groups(series: Series, splitter: Splitter, indices: list[int]) -> Volumes:
    groups: dict[Key, list[int]] = {}
    for index, key in zip(indices, splitter.keys(series, indices), strict=True):
        groups.setdefault(key, []).append(index)
    return [(groups[key], splitter.tell(key)) for key in sorted(groups, key=_none_first)]


def _none_first(key: Key) -> list[tuple[bool, Any]]:
    return [(each is not None, 0 if each is None else each) for each in key]


def _unequal(series: Series, groups: Volumes) -> str:
    places = series.places
    counts = {frozenset(places[index] for index in part) for part, _ in groups} if places else set()
    if len(counts) < 2:
        return ""
    told = ", ".join(f"{name}: {len(part)}" for part, name in groups)
    return f"volumes at {len(counts)} different sets of places ({told} slices)"


def _numbered(groups: Volumes, wanted: int | str) -> Volumes:
    """The volume of this number, counted from 1, or the first or the last; empty when there are not so many."""
    index = {"first": 0, "last": len(groups) - 1}.get(str(wanted), wanted)
    chosen = int(index) - (index == wanted)
    return [(part, f"{name} of {len(groups)}") for part, name in groups[chosen : chosen + 1]]


def _b_values(series: Series, indices: list[int]) -> list[Key]:
    headers = [series.headers[index] for index in indices]
    return [
        (series.b_values[index], is_calculated(header), is_isotropic(header))
        for index, header in zip(indices, headers, strict=True)
    ]


def _tell_b(key: Key) -> str:
    b, calculated, isotropic = key
    told = "no b-value" if b is None else f"b {b:g}"
    return f"{told}{' calculated' if calculated else ''}{' isotropic' if isotropic else ''}"


def _echoes(series: Series, indices: list[int]) -> list[Key]:
    times = [number(series.headers[index], "EchoTime") for index in indices]
    return [(None if time is None else round(time, 1),) for time in times]


def _kinds(series: Series, indices: list[int]) -> list[Key]:
    return [codes(series.headers[index], "ImageType") for index in indices]


def _tell_kind(key: Key) -> str:
    return f"kind {'/'.join(word if word in KINDS else 'other' for word in key[2:]) or 'other'}"


def _times(series: Series, indices: list[int]) -> list[Key]:
    """Number of each temporal position, from 1."""
    found = [number(series.headers[index], TEMPORAL) for index in indices]
    order = sorted({-1.0 if time is None else time for time in found})
    return [(1 + order.index(-1.0 if time is None else time),) for time in found]


def _repetitions(series: Series, indices: list[int]) -> list[Key]:
    """How many images lie at the place of each before it, by instance number and frame; from 1."""
    seen: dict[int, int] = {}
    found: dict[int, int] = {}
    numbered = {index: number(series.headers[index], "InstanceNumber") or 0.0 for index in indices}
    for index in sorted(indices, key=lambda i: (numbered[i], series.frames[i] or 0)):
        place = series.places[index] if series.places else 0
        found[index] = seen[place] = seen.get(place, 0) + 1
    return [(found[index],) for index in indices]


def _images(_: Series, indices: list[int]) -> list[Key]:
    return [(index + 1,) for index in indices]


SPLITTERS = (
    Splitter(lambda series, _: is_projection(series), _images, lambda key: f"image {key[0]}", equal=False),
    Splitter(lambda _, role: "b_value" in role, _b_values, _tell_b),
    Splitter(lambda _, role: "echo_time" in role.get("split", ()), _echoes, lambda key: f"echo {key[0]} ms"),
    Splitter(
        lambda _, role: "image_type" in role.get("split", ()),
        _kinds,
        _tell_kind,
        equal=False,
    ),
    Splitter(
        lambda _, role: "temporal_position" in role, _times, lambda key: f"time {key[0]}", rule="temporal_position"
    ),
    Splitter(lambda _, role: "repetition" in role, _repetitions, lambda key: f"repetition {key[0]}", rule="repetition"),
)
