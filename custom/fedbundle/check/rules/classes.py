"""Declared numbers hang together: channels, their meanings, label values, what goes back as DICOM."""

from collections.abc import Iterator

from fedbundle.check.finding import Problem
from fedbundle.check.subject import DICOM_OUT, INFERENCE, INGEST, METADATA, TRAIN, Subject
from fedbundle.check.walk import walk


def classes(bundle: Subject) -> Iterator[Problem]:
    """Of the metadata, of both network definitions, of configs/ingest.json and of configs/dicom_out.json."""
    formats = bundle.metadata.get("network_data_format", {})
    for direction, tensors in formats.items():
        for name, tensor in tensors.items():
            count, told = tensor.get("num_channels"), tensor.get("channel_def", {})
            if isinstance(count, int) and list(told) != [str(channel) for channel in range(count)]:
                key = f"network_data_format#{direction}#{name}#channel_def"
                yield Problem(METADATA, key, f"must tell channels 0 to {count - 1}, got {', '.join(told)}; mend it")
    if bundle.stock:
        bundle.tell("channels and their meanings alone: a stock bundle declares no labels and nothing for DICOM")
        return
    count = bundle.tensor("outputs", "pred").get("num_channels")
    for file in (TRAIN, INFERENCE):
        for key, value in walk(bundle.json(file).get("network_def", {})):
            if key.split("::")[-1] == "out_channels" and isinstance(value, int) and value != count:
                place = f"network_def#{key.replace('::', '#')}"
                yield Problem(file, place, f"must be {count} as in {METADATA}, got {value}; mend one of them")
    file, key, values = _declared(bundle)
    if bundle.kind != "anomaly" and values != [str(value) for value in range(count or 0)]:  # which has no classes
        told = ", ".join(values)
        yield Problem(
            file, key, f"must be the {count} classes 0 to {(count or 0) - 1} of {METADATA}, got {told}; mend one"
        )
    yield from _out(bundle, values)
    yield from _labels(bundle)
    yield from _numbers(bundle)


def _declared(bundle: Subject) -> tuple[str, str, list[str]]:
    """Where the bundle's classes are declared, and which values they have; of times to an event, intervals."""
    rules = bundle.ingest_rules
    if "label" in rules:
        return INGEST, "label#values", sorted(rules["label"].get("values", {}), key=int)
    columns = rules.get("table", {}).get("columns", {})
    if any(column.get("type") == "event" for column in columns.values()):
        edges = bundle.json(TRAIN).get("edges_years", [])
        return TRAIN, "edges_years", [str(interval) for interval in range(len(edges) - 1)]
    named = [name for name, column in columns.items() if column.get("type") == "category"]
    if not named:
        return INGEST, "label", []
    return INGEST, f"table#columns#{named[0]}#values", sorted(columns[named[0]]["values"], key=int)


def _out(bundle: Subject, values: list[str]) -> Iterator[Problem]:
    out = bundle.json(DICOM_OUT)
    if out.get("input") not in bundle.ingest_rules["inputs"]:
        yield Problem(DICOM_OUT, "input", f"must be a role of {INGEST}, got {out.get('input')!r}; mend it")
    for role in out.get("inputs", {}):
        if role not in bundle.ingest_rules["inputs"]:
            yield Problem(DICOM_OUT, f"inputs#{role}", f"must be a role of {INGEST}, got another; mend it")
    for part in ("segments", "classes"):
        for number, entry in enumerate(out.get(part, [])):
            if str(entry.get("value")) not in values:
                told = f"must be one of {', '.join(values)} as in {INGEST}, got {entry.get('value')}; mend one"
                yield Problem(DICOM_OUT, f"{part}#{number}#value", told)


def _labels(bundle: Subject) -> Iterator[Problem]:
    """A class is called what the hospitals' table calls it, and nothing else is called so."""
    _, key, _ = _declared(bundle)
    column = key.split("#")[2] if key.startswith("table#") else ""
    meanings = bundle.ingest_rules["table"]["columns"][column]["values"] if column else {}
    seen: set[str] = set()
    for number, entry in enumerate(bundle.json(DICOM_OUT).get("classes", [])):
        label = str(entry.get("label"))
        meaning = meanings.get(str(entry.get("value")), label)
        place = f"classes#{number}#label"
        if label.lower() in seen:
            yield Problem(DICOM_OUT, place, f"must be of one class only, got {label!r} twice; rename one")
        elif label.lower() != str(meaning).lower():
            yield Problem(DICOM_OUT, place, f"must be {meaning!r} as in {INGEST}, got {label!r}; mend one")
        seen.add(label.lower())


def _numbers(bundle: Subject) -> Iterator[Problem]:
    """Thresholds that ascend, and one width of a film for training and for the clinic."""
    out, table = bundle.json(DICOM_OUT), bundle.ingest_rules.get("table", {})
    match out.get("unsure"):
        case [int() | float() as low, int() | float() as high] if low >= high:
            yield Problem(DICOM_OUT, "unsure", f"must ascend, got {low:g}, {high:g}; mend it")
    width = "both_sides_from_mm"
    if width in out and out[width] != table.get(width):
        told = f"must be one width, got {out[width]} here, {table.get(width, 'none')} in {INGEST}#table; mend one"
        yield Problem(DICOM_OUT, width, told)
