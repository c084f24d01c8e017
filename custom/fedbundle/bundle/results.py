"""The results page of an exported bundle, from the ledger of its run and from nothing else."""

from collections.abc import Collection
from typing import Any

from fedbundle.errors import ExportError

ABOUT = (
    "Made by `fedbundle export` from `provenance/ledger.json`. Each site measured on its own patients; "
    "values are means with 95 % confidence intervals where the site has enough cases to tell. "
    "They say how this network did on those data, and nothing about data of another kind."
)


def results_page(ledger: dict[str, Any], left_out: Collection[str] = (), site: str = "") -> str:
    """Markdown: who took part, and the metrics of each evaluation site by site.

    Args:
        ledger: content of a ledger.json of the schema fedbundle-ledger-1.
        left_out: metrics that need no column, such as those by which the bundle is calibrated.
        site: hospital whose own weights the bundle holds besides the shared ones.

    Raises:
        ExportError: it does not follow that schema.
    """
    try:
        return "\n\n".join(_sections(ledger, left_out, site)) + "\n"
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise ExportError(
            f"ledger must follow schema fedbundle-ledger-1, got {error!r}; export the result as it was downloaded"
        ) from error


def _sections(ledger: dict[str, Any], left_out: Collection[str], site: str) -> list[str]:
    declared, rounds = ledger["declared"], ledger["rounds"]
    sections = [
        f"# Results of {declared['bundle']} {declared['version']}",
        ABOUT,
        f"Run `{ledger['job']}`: {ledger['outcome']}, {len(rounds)} of {declared['rounds']} rounds with a quorum of "
        f"{declared['quorum']}. Recipe digest `{declared['recipe_digest']}`.",
        *_stayed(declared.get("keep_local", []), site),
        "## Who took part",
        _table(
            ["site", "rounds used", "cases offered", "cases used", "steps", "state"],
            [_participation(site, state, rounds) for site, state in ledger["sites"].items()],
        ),
    ]
    for name, evaluation in ledger.get("evaluations", {}).items():
        told = {metric for part in evaluation["sites"].values() for metric in part.get("metrics", {})}
        metrics = sorted(told - set(left_out))
        rows = [_measured(site, part, metrics) for site, part in evaluation["sites"].items()]
        sections += [f"## Evaluation: {name}", _table(["site", "cases", *metrics], rows)]
    return sections


def _stayed(prefixes: list[str], site: str) -> list[str]:
    if not prefixes:
        return []
    named = ", ".join(f"`{prefix}`" for prefix in prefixes)
    if site:
        return [
            f"Weights whose names begin with {named} are those of {_cell(site)}, of whose images they tell: this "
            "bundle is for that hospital and must not be passed on. The figures below are of each hospital's own."
        ]
    return [
        f"Weights whose names begin with {named} stayed at each hospital. In this bundle they are as they were first "
        "drawn: a hospital that took part adds its own by `fedbundle personalize`. The figures below are of each "
        "hospital's own."
    ]


def _participation(site: str, state: dict[str, Any], rounds: list[dict[str, Any]]) -> list[str]:
    parts = [entry["sites"][site] for entry in rounds if site in entry["sites"]]
    used = [part for part in parts if part["status"] == "used"]
    cases = used[-1]["cases"] if used else {"offered": "-", "used": "-"}
    steps = sum(part.get("steps", 0) for part in used)
    told = f"{state['state']} {state['reason']}".strip()
    return [site, str(len(used)), str(cases["offered"]), str(cases["used"]), str(steps), told]


def _measured(site: str, part: dict[str, Any], metrics: list[str]) -> list[str]:
    values = part.get("metrics", {})
    cases = sorted({str(values[metric]["n"]) for metric in metrics if metric in values})
    return [site, " / ".join(cases) or "-", *(_value(values.get(metric)) for metric in metrics)]


def _value(value: dict[str, Any] | None) -> str:
    if value is None or value["value"] is None:
        return "-"
    told = f"{value['value']:.3f}"
    return f"{told} [{value['ci95'][0]:.3f}, {value['ci95'][1]:.3f}]" if "ci95" in value else told


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    """One line of plain text: a site's reason must not become markup."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
