"""Risk of a later event for each side that a film shows: a curve with its spread, never a class; DICOM SR."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highdicom
from pydicom.sr.coding import Code

from fedbundle.clinic.factors import Factors
from fedbundle.clinic.findings import Item
from fedbundle.clinic.risk_page import COLORS, pictures_of, summary, told
from fedbundle.clinic.risk_result import RiskResult, read_risk
from fedbundle.clinic.sided import Sided, sides_seen
from fedbundle.clinic.study import Study
from fedbundle.dicom.seg.dicom_out import RiskOut
from fedbundle.dicom.sides import NAMES
from fedbundle.dicom.sr.group import NO_UNITS, OWN_SCHEME, Group, Quantity

DIGITS = 4
MISSING = Code("FACTOR-MISSING", OWN_SCHEME, "Risk factor not known to the model")
LONGEST = 64  # characters of a code meaning


@dataclass(frozen=True, eq=False)
class Risk(Sided[RiskOut, RiskResult]):
    """Curves of each side."""

    kind = "risk"

    @classmethod
    def items(cls, study: Study, wanted: RiskOut, factors: Factors) -> list[Item]:
        """One item per side, each with what is known of the patient.

        Raises:
            NoUsableSeriesError: header and film do not tell which side is seen.
        """
        return [{"laterality": side} | factors for side in sides_seen(study, wanted).sides]

    @classmethod
    def read(cls, output: Path, study: Study, wanted: RiskOut) -> "Risk":
        """Read what inference said of each side.

        Raises:
            PredictionError: of a side it said nothing, or what is no curve.
        """
        seen = sides_seen(study, wanted)
        return cls(wanted, study, seen, tuple(read_risk(output, side, wanted) for side in seen.sides))

    @property
    def headline(self) -> str:
        """Risk of each side at the last horizon."""
        last = self.wanted.horizons_years[-1]
        sides = ", ".join(f"{NAMES[each.side]} {told(each, last)}" for each in self.results)
        return f"risk of a {self.wanted.event} within {last} years: {sides}"

    @property
    def doubts(self) -> Sequence[str]:
        """Sides that are inferred, factors that are missing, curves outside their band."""
        found = list(self.seen.doubts)
        if missing := self._missing():
            names = "; ".join(self.wanted.factors[name] for name in missing)
            found.append(
                f"Not known to the model: {names}. The risk is that of people of whom this is not known; give what is "
                "known by --factors."
            )
        found += [
            f"The risk of the {NAMES[each.side]} side lies outside its own band at {len(each.outside)} of "
            f"{len(each.years)} times: the band does not tell how sure the curve is."
            for each in self.results
            if each.outside
        ]
        return found

    def _missing(self) -> list[str]:
        return [name for name in self.wanted.factors if any(name in each.missing for each in self.results)]

    @property
    def colors(self) -> Sequence[str]:
        """Of each side."""
        return [COLORS[each.side] for each in self.results]

    @property
    def limits(self) -> str:
        """Of risks."""
        return (
            f"A risk is the share of like patients who have a {self.wanted.event} up to that time if they do not die "
            "before; where many die it is above the share that will be seen. It may be read of a patient only where "
            "the model was found calibrated at the hospital that reads it. It is told for each side by itself, and no "
            "class is told: which risk matters is for whoever treats the patient."
        )

    def data(self) -> dict[str, Any]:
        """Sides with their curves; of the factors, only which were not known."""
        return {"sides": [self._data_of(each) for each in self.results], "missing_factors": self._missing()}

    def _data_of(self, each: RiskResult) -> dict[str, Any]:
        spread = {"low": list(each.low), "high": list(each.high)} if each.low else {}
        horizons = {str(year): round(each.at(year)[0], DIGITS) for year in self.wanted.horizons_years}
        whole = {"years": list(each.years), "risk": list(each.risk)} | spread
        return {"laterality": each.side, "risk": horizons, "curve": whole}

    def summary(self) -> str:
        """A card per side, the table of horizons, which factors were known."""
        return summary(self.results, self.wanted)

    def pictures(self) -> str:
        """The curves and the film."""
        return pictures_of(self.film, self.results, self.wanted)

    def group(self, each: RiskResult) -> Group:
        """Numbers of a side."""
        quantities: list[Quantity] = []
        for year in self.wanted.horizons_years:
            for end, value in zip(("", "-LO", "-HI"), each.at(year), strict=True):
                if value is not None:
                    quantities.append(_quantity(self.wanted, year, end, value))
        missing = [Code(name.upper()[:16], OWN_SCHEME, self.wanted.factors[name][:LONGEST]) for name in each.missing]
        return Group(
            label=f"{NAMES[each.side].capitalize()} side",
            uid=highdicom.UID(),
            site=self.wanted.site,
            side=each.side,
            quantities=tuple(quantities),
            words=tuple((MISSING, name) for name in missing),
        )


def _quantity(wanted: RiskOut, year: int, end: str, value: float) -> Quantity:
    what = f"{wanted.event} within {year} years"
    told_as = {
        "": f"Risk of {what}",
        "-LO": f"2.5th percentile under dropout, {what}",
        "-HI": f"97.5th percentile under dropout, {what}",
    }
    name = Code(f"R-{wanted.event_code.value}-{year}Y{end}", OWN_SCHEME, told_as[end][:LONGEST])
    return Quantity(name, round(value, DIGITS), NO_UNITS)
