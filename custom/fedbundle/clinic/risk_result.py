"""What inference said of the risk of one side: a curve, its spread where the network gives one, what was missing."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from fedbundle.clinic.findings import CASE
from fedbundle.clinic.inference import the_one
from fedbundle.dicom.seg.dicom_out import RiskOut
from fedbundle.errors import InputError, PredictionError
from fedbundle.files import read_json


@dataclass(frozen=True)
class RiskResult:
    """One side; all tuples are over `years`."""

    side: str  # R or L
    years: tuple[float, ...]
    risk: tuple[float, ...]  # 0 to 1, rising
    low: tuple[float, ...]  # empty where there is no spread
    high: tuple[float, ...]
    missing: tuple[str, ...]  # risk factors that were not known

    def at(self, years: float) -> tuple[float, float | None, float | None]:
        """Risk, and low and high where there are such."""
        place = self.years.index(years)
        return self.risk[place], *((self.low[place], self.high[place]) if self.low else (None, None))

    @property
    def outside(self) -> tuple[float, ...]:
        """Years at which the risk lies outside its own spread."""
        spread = zip(self.years, self.low, self.risk, self.high, strict=True) if self.low else ()
        return tuple(year for year, low, risk, high in spread if not low <= risk <= high)


def read_risk(output: Path, side: str, wanted: RiskOut) -> RiskResult:
    """Read `<case>_<side>_pred.json`.

    Raises:
        PredictionError: it is absent, or holds no curve of risks with all horizons of the bundle.
    """
    path = the_one(output, f"{CASE}_{side}_pred.json", f"result of side {side}")
    try:
        found = _checked(read_json(path), side, wanted)
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise PredictionError(
            f"result of side {side} must hold rising risks from 0 to 1 at rising years, all horizons of dicom_out.json "
            f"and names of its factors, got {type(error).__name__}; mend the bundle"
        ) from error
    return found


def _checked(content: dict[str, Any], side: str, wanted: RiskOut) -> RiskResult:
    years, risk = (tuple(map(float, content[key])) for key in ("years", "risk"))
    low, high = (tuple(map(float, content.get(key, ()))) for key in ("low", "high"))
    missing = tuple(map(str, content["missing"]))
    sound = content["laterality"] == side and set(wanted.horizons_years) <= set(years) and len(years) == len(risk)
    sound = sound and all(one < other for one, other in pairwise(years))
    sound = sound and all(one <= other for one, other in pairwise(risk)) and all(0 <= each <= 1 for each in risk)
    if low or high:
        bounds = zip(low, high, strict=True)
        sound = sound and len(low) == len(years) and all(0 <= least <= most <= 1 for least, most in bounds)
    if not sound or not set(missing) <= wanted.factors.keys():
        raise ValueError("another side, no curve, or other factors")
    return RiskResult(side, years, risk, low, high, missing)
