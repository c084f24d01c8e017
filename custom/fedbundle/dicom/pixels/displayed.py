"""A radiograph as a screen shows it: stored values to P-Values (PS3.14), as a share of the brightest.

The steps of PS3.4 N.2, in this order: Modality LUT or rescale (PS3.3 C.11.1), VOI LUT or window (C.11.2), inversion of
MONOCHROME1 (C.7.6.3.1.2), display shutter (C.7.6.11). Of several VOI views the first is taken, and a table goes before
a window. Without any view the full range of the stored bits is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset

from fedbundle.dicom.gate.objects import is_coloured, is_projection
from fedbundle.dicom.header import codes, items, number, numbers, text, tolerant, values
from fedbundle.dicom.pixels.lookup import LookupTable, LookupTableError
from fedbundle.dicom.pixels.shutter import SHUTTERS, ShutterError, opening, shutter_value
from fedbundle.dicom.pixels.stored_pixels import stored_pixels
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import Series
from fedbundle.errors import DicomError

Grey = NDArray[np.float64]
View = Callable[[Grey], Grey]  # output of the Modality LUT -> 0 to 1
FOR_PROCESSING = "FOR PROCESSING"
SHAPES = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}  # photometric interpretation -> Presentation LUT Shape


class DisplayError(DicomError):
    """A radiograph does not tell how it is to be shown; `detail` names no patient."""

    reason = "NO_DISPLAY"

    def __init__(self, detail: str) -> None:
        super().__init__(f"radiograph must tell how it is shown, got {detail}; see docs/reference/reason-codes.md")
        self.detail = detail


@dataclass(frozen=True)
class Displayed:
    """A radiograph as it is shown, and by which of its headers."""

    volume: Volume  # one slice, float32 from 0 (black) to 1 (white)
    by: str  # for logs


def displayed(series: Series, scratch: Path) -> Displayed:
    """Read a radiograph that the gate let through.

    Args:
        series: the radiograph.
        scratch: folder for temporary files, see `stored_pixels`.

    Raises:
        DisplayError: what its headers tell is malformed or contradicts itself, or leaves nothing to be seen.
        ColourError: the channels of a colour image differ.
        DicomError: it is no radiograph, or cannot be decoded.
    """
    volume = Volume.of(series)  # with its checks
    if not is_projection(series):
        raise DicomError("only a radiograph is read as it is displayed, got another modality; mend the role's rules")
    header = series.first
    with tolerant():
        if is_coloured(header):
            shown, by = volume.array[0] / (2.0 ** (number(header, "BitsStored") or 8) - 1), "equal colour channels"
        else:
            stored = stored_pixels(series.files[0], scratch)
            try:
                shown, by = presented(stored, header)
            except (LookupTableError, ShutterError) as error:
                raise DisplayError(str(error)) from error
    return Displayed(Volume(shown.astype(np.float32)[None], volume.affine, volume.frame_of_reference_uid), by)


def view_of(header: Dataset) -> dict[str, Any]:
    """Which view and which shutters `displayed` would take; of a malformed view nothing."""
    shutters = [shape.lower() for shape in codes(header, "ShutterShape") if shape in SHUTTERS]
    try:
        _, low, high, _ = _modality(header)
        told = {"voi": _view(header, low, high)[1]}
    except (DisplayError, LookupTableError):
        told = {}
    return told | ({"shutter": shutters} if shutters else {})


def presented(stored: NDArray[np.float32], header: Dataset) -> tuple[Grey, str]:
    """P-Values [row, column] from 0 to 1 of stored values, and the headers that decided.

    Raises:
        DisplayError, LookupTableError, ShutterError: the headers are malformed or contradict themselves.
    """
    _refuse_unfit(header)
    modality, low, high, rescaled = _modality(header)
    view, viewed = _view(header, low, high)
    shown = view(modality(stored.astype(np.float64)))
    inverted = text(header, "PhotometricInterpretation") == "MONOCHROME1"
    if inverted:
        shown = 1 - shown
    if np.ptp(shown) == 0 and np.ptp(stored) > 0:
        raise DisplayError(f"{viewed} that shows all pixels alike")
    told = [rescaled, viewed, "inverted" if inverted else ""]
    padding = _padding(stored, header)
    if padding is not None:
        shown[padding] = 0
        told.append("padding black")
    if (inside := opening(header)) is not None:
        shown[~inside] = shutter_value(header)
        told.append("shuttered " + " and ".join(shape.lower() for shape in codes(header, "ShutterShape") if shape))
    return shown, ", ".join(word for word in told if word)


def _refuse_unfit(header: Dataset) -> None:
    processing = text(header, "PresentationIntentType").upper() == FOR_PROCESSING
    if processing or text(header, "SOPClassUID") == uid.DigitalXRayImageStorageForProcessing:
        raise DisplayError("an image that is stored for processing, not for presentation")
    shape, kind = text(header, "PresentationLUTShape").upper(), text(header, "PhotometricInterpretation")
    if shape and shape != SHAPES.get(kind):
        raise DisplayError(f"{kind} with a Presentation LUT Shape that means the other")


def _stored_range(header: Dataset) -> tuple[float, float]:
    bits = number(header, "BitsStored") or number(header, "BitsAllocated") or 16
    low = -(2.0 ** (bits - 1)) if number(header, "PixelRepresentation") == 1 else 0.0
    return low, low + 2.0**bits - 1


def _modality(header: Dataset) -> tuple[Callable[[Grey], Grey], float, float, str]:
    """The Modality LUT, lowest and highest value that it can give, and its name."""
    low, high = _stored_range(header)
    tables = items(header, "ModalityLUTSequence")
    if tables:
        table = LookupTable.of(tables[0], signed=low < 0, little_endian=_little_endian(header))
        return table.apply, 0.0, 2.0**table.bits - 1, "Modality LUT"
    slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept") or 0.0
    slope = 1.0 if slope is None else slope
    if slope == 0:
        raise DisplayError("a rescale slope of 0")
    ends = sorted((low * slope + intercept, high * slope + intercept))
    return lambda pixels: pixels * slope + intercept, ends[0], ends[1], ""


def _view(header: Dataset, low: float, high: float) -> tuple[View, str]:
    """The first VOI view: a table, else a window, else the full range from `low` to `high`."""
    tables = items(header, "VOILUTSequence")
    if tables:
        table = LookupTable.of(tables[0], signed=low < 0, little_endian=_little_endian(header))
        return lambda pixels: table.apply(pixels) / (2.0**table.bits - 1), f"VOI LUT {_first_of(len(tables))}"
    count = len(values(header, "WindowCenter"))
    if not count and not values(header, "WindowWidth"):
        return lambda pixels: (pixels - low) / (high - low), "full range"
    centers, widths = (numbers(header, name, count) for name in ("WindowCenter", "WindowWidth"))
    if not centers or not widths:
        raise DisplayError("window centers and widths that do not fit together")
    function = text(header, "VOILUTFunction").upper() or "LINEAR"
    if function not in WINDOWS or widths[0] < (1 if function == "LINEAR" else np.finfo(float).tiny):
        raise DisplayError("a window of unknown function or impossible width")
    window, center, width = WINDOWS[function], centers[0], widths[0]
    name = f"{function.replace('_', ' ').lower()} window {_first_of(count)}"
    return lambda pixels: window(pixels, center, width), name


def _first_of(count: int) -> str:
    return f"1 of {count}"


def _linear(pixels: Grey, center: float, width: float) -> Grey:
    """C.11.2.1.2.1; a width of 1 is a step."""
    if width == 1:
        return (pixels > center - 0.5).astype(np.float64)
    return np.asarray(np.clip((pixels - (center - 0.5)) / (width - 1) + 0.5, 0, 1))


def _linear_exact(pixels: Grey, center: float, width: float) -> Grey:
    """C.11.2.1.3.2."""
    return np.asarray(np.clip((pixels - center) / width + 0.5, 0, 1))


def _sigmoid(pixels: Grey, center: float, width: float) -> Grey:
    """C.11.2.1.3.1."""
    return np.asarray(1 / (1 + np.exp(np.clip(-4 * (pixels - center) / width, -700, 700))))


WINDOWS: dict[str, Any] = {"LINEAR": _linear, "LINEAR_EXACT": _linear_exact, "SIGMOID": _sigmoid}


def _padding(stored: NDArray[np.float32], header: Dataset) -> NDArray[np.bool_] | None:
    """Pixels around the image that hold no image (C.7.5.1.1.2)."""
    first = number(header, "PixelPaddingValue")
    if first is None:
        return None
    last = number(header, "PixelPaddingRangeLimit")
    low, high = sorted((first, first if last is None else last))
    found = (stored >= low) & (stored <= high)
    return found if found.any() else None


def _little_endian(header: Dataset) -> bool:
    return text(header.file_meta, "TransferSyntaxUID") != uid.ExplicitVRBigEndian
