"""One small greyscale image in every transfer syntax, each made by another program than the one that decodes it.

JPEG (ITU-T T.81) is written here: one Huffman code for all categories, DCT images of blocks without AC coefficients.
JPEG-LS is made by CharLS, JPEG 2000 by Pillow (OpenJPEG), RLE by pydicom, HTJ2K by OpenJPH (stored, since no encoder of
it is at hand everywhere).
"""

import base64
import io
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import jpeg_ls as charls
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from samples.plain_film import make_film

Pixels = NDArray[np.uint16]
ROWS, COLUMNS, BITS = 16, 24, 12
NEAR = 2  # of JPEG-LS near-lossless: the largest error
CODE_LENGTH = 5  # bits of each Huffman code of a category


def noise(rows: int = ROWS, columns: int = COLUMNS, bits: int = BITS) -> Pixels:
    """A ramp with grain, which uses all stored bits."""
    ramp = np.add.outer(np.arange(rows), 2 * np.arange(columns)) * (2**bits / (rows + 2 * columns))
    grain = np.random.Generator(np.random.PCG64(7)).integers(-(2 ** (bits - 3)), 2 ** (bits - 3), (rows, columns))
    return np.clip(ramp + grain, 0, 2**bits - 1).astype(np.uint16)


def blocks(bits: int = BITS) -> Pixels:
    """Blocks of 8 x 8 equal pixels, which a DCT stores without loss."""
    return np.kron(noise(ROWS // 8, COLUMNS // 8, bits), np.ones((8, 8), np.uint16))


def jpeg_lossless(pixels: Pixels, selection: int = 1) -> bytes:
    """Process 14, 16 bits; selection value 1 predicts by the pixel to the left, 2 by the one above."""
    values = pixels.astype(np.int64)
    predicted = np.empty_like(values)
    predicted[1:] = values[:-1]  # the pixel above, wherever no other rule holds
    rows = slice(None) if selection == 1 else slice(1)
    predicted[rows, 1:] = values[rows, :-1]
    predicted[0, 0] = 2**15
    differences = (values - predicted + 2**15 - 1) % 2**16 - (2**15 - 1)
    scan = _coded(_category_bits(int(difference)) for difference in differences.ravel())
    return _jpeg(0xC3, 16, pixels.shape, b"", scan, start=selection, ac=False)


def jpeg_dct(pixels: Pixels, bits: int) -> bytes:
    """Process 1 (8 bits) or 4 (12 bits) of an image of equal blocks."""
    means = (pixels[::8, ::8].astype(np.int64) - 2 ** (bits - 1)).ravel()
    steps = np.diff(means, prepend=0)
    scan = _coded([*_category_bits(int(step)), (0, 1)] for step in steps)  # code 0 of the AC table: end of block
    table = _segment(0xDB, b"\x00" + bytes([8] * 64))  # a DC coefficient is 8 times the mean
    return _jpeg(0xC0 if bits == 8 else 0xC1, bits, pixels.shape, table, scan, start=0, ac=True)


def _category_bits(difference: int) -> list[tuple[int, int]]:
    """Code of the category of a difference and its extra bits (T.81 F.1.2.1, H.1.2.2), each as value and length."""
    category = abs(difference).bit_length()
    extra = 0 if category == 16 else category
    return [(category, CODE_LENGTH), ((difference if difference > 0 else difference + 2**category - 1), extra)]


def _coded(symbols: Iterable[list[tuple[int, int]]]) -> bytes:
    bits = "".join(f"{value:0{length}b}" for symbol in symbols for value, length in symbol if length)
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\x00")


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _jpeg(frame: int, bits: int, shape: tuple[int, ...], tables: bytes, scan: bytes, start: int, ac: bool) -> bytes:
    categories = bytes([0, *(17 if length == CODE_LENGTH else 0 for length in range(1, 17)), *range(17)])
    if frame == 0xC0:  # baseline has 12 categories
        categories = bytes([0, *(12 if length == CODE_LENGTH else 0 for length in range(1, 17)), *range(12)])
    huffman = _segment(0xC4, categories) + (_segment(0xC4, bytes([0x10, 1, *[0] * 15, 0])) if ac else b"")
    head = _segment(frame, struct.pack(">BHHBBBB", bits, *shape, 1, 1, 0x11, 0))
    scan_head = _segment(0xDA, bytes([1, 1, 0, start, 63 if ac else 0, 0]))
    return b"\xff\xd8" + tables + head + huffman + scan_head + scan + b"\xff\xd9"


def jpeg_2000(pixels: Pixels, irreversible: bool) -> bytes:
    """A raw codestream of 16 bits, without the boxes of a JP2 file."""
    content = io.BytesIO()
    layers = {"quality_mode": "dB", "quality_layers": [100]} if irreversible else {}
    Image.fromarray(pixels).save(content, "JPEG2000", irreversible=irreversible, no_jp2=True, **layers)
    return content.getvalue()


def jpeg_ls(pixels: Pixels, near: int) -> bytes:
    """Made by CharLS."""
    return bytes(charls.encode_array(np.ascontiguousarray(pixels), lossy_error=near))


# `noise()` as HTJ2K, progression order RPCL, by OpenJPH 0.26.3
HTJ2K_REVERSIBLE = (
    "/0//UQApQAAAAAAYAAAAEAAAAAAAAAAAAAAAGAAAABAAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wAEyCIkJCQkJCQkJ"
    "CQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAqQAAf+TwAAmGfUFB3QAwAATAKzwA4d0AMAAEsAAE8AAEoCrAQd0ADwz"
    "6ACiNACiAQd0AMAAFbAABWwAAVp2hnzvZOH+ADCAvpYArvBNaqYC2QAhAb2WAHYyljTWwv0AAQG/lgDAABdNAABdNAABdOAor2C1yAAaSCxqkz"
    "dWcQu6YSDjjIi4cJQCdJT+AElFog0IIGa6AE+Q+MlW4ii6JGsiAUUhSCYCEx0gtZy58dVP59wKXoURhQxgAzoA91/sfSblIYV3SRoNWfL9ptxJ"
    "E38v+wtrQuKu090FKuJygAiAVzoAwAAvouAAF9GwAAvpMDfnIuQMSv7ekIgNejmPwJ6Pw1E9yoRZtjovu9hpvtBgZKfuCzNk1dzQSjXrxXSpKV"
    "UvoaBlRua19Nlm030EZ5maGHKC/jW1b+pmHCGL3ucHpQQQohoFDDFlc3NGnwanIGRt9Clfnrxu8FF6TaAzgFYAFHc0YRq8FoVauH1igKEIhgJg"
    "xAaAIgKpuwGBGdkr1W373Uw8l/r2KtRdDDHWCi51M42Gb9rWGE5a4BGBPcpEQkbbh7cbaxuB9gyCiLFtnJa3D6fOsotUjAUjqLESC7zRsVU3gr"
    "OAivU6Z2GRHmBghtWj0ApE8LFEgKT8QRPGBaqX7/rCs8N4fbGunT38AEQ0QeUeREChGIb0JJJEQgFoGIBFhCACmgFnP1TzRzShYcg1LhK9FaZu"
    "MGgwOgGjKajG8MtmOtEFNCelY63geQphjvSEyZmIKNckB899yn7RtTXsUYIaL03YxHo+lfSnMHSD3GVa5EEIZRLwYJd4G01sFmhmMaPLvuPCZY"
    "iIHsdwJAU3fQ9qOYWRFi1GzDdw4d4AcMtN12djo8gKrVQqlYdDGAjUYgISjGALmwH/2Q=="
)
HTJ2K_IRREVERSIBLE = (
    "/0//UQApQAAAAAAYAAAAEAAAAAAAAAAAAAAAGAAAABAAAAAAAAAAAAABDwEB/1AACAACAAAAKf9SAAwAAgABAAUEBEAA/1wAIyKp5KnGqcapqK"
    "HUodShwZoHmgeaFpKBkoGS14peil6KFP9kABcAAU9wZW5KUEggVmVyIDAuMjYuMy7/kAAKAAAAAAKSAAH/k8AAAnClu/gHh3QAwAACYIaVBQd0"
    "AMAABNAAAVEAABKAI/4Ch3QA0hPD/gDiNACXAYd0AMAACugAAV0AACtAWBVO5SzyTPUAggD5tgADECpJ0QOigwBBgb2WAKRmJJMdJfEAEQG/lg"
    "DAABdNAABdNAABdMCuWyJNbUL6CiWgT9rTjJm7EC8yBcqHxDIepEHwAQ7FSUAIIGa6ADtg+sxR/Ji5i5TQuTMmESma6cUSY6quV8VSye8GXoUR"
    "BQxgAzoAyYs+yRI9AuiZ37+uE9NWFD3eqP68QG4qBosZ4hSS5nILgiAymgDAAC+hoAAX0NAAC+hgk5rhuc132N2iIYspsEMTZlBQ6iM2qxn1iJ"
    "bZzicM0c+h/wVfmL2C4k/tp71RzymDEA8NW5q7eiRKJKL4OMQEoync8I4kVJ8HKYrIbaWkYRb0FSdUEwrNJ1YhIFunfidLpzgLeXADUXcghDn+"
    "DA8oga8GRVSuGq0YCyoQiAy7DEBABEBjOgH3yu7Pz03VRTbreiIFMAdD+TtoKrHU4+/WR5nRdiCqhCGoXxRLWzY+mRHCHwThjlONWSaukHhkpz"
    "6JAfa2gbKqah8FQhEwQTSEgCijO9nhLjaUQbuNH19Bp4O8hwCNHnX+ZWBhrMCIxzP1/AAUUtGWlDoo6hQXiHr+qSIhAJAhAIsEICqbAXd7tN1i"
    "So6dKdwxHaiMm2nwGANoF5zk90sEE8TBqmo42VA4FioegnspJuheMj5LNMjGcYIBGoqwZEURsKnrFQk94WhlSt8asNISvevBWBasLXGwc2gkVt"
    "8P7R7Akok6ynXOPriS8jXmGwZc/AHCjXDljRxmCGtXKpUrQhAI1EECMohAC5oB/9k="
)

Encoder = Callable[[Pixels], bytes]
# syntax -> how `noise()` is encoded, and the largest error of a pixel
ENCODERS: dict[str, tuple[Encoder, int]] = {
    uid.JPEGLossless: (lambda pixels: jpeg_lossless(pixels, selection=2), 0),
    uid.JPEGLosslessSV1: (jpeg_lossless, 0),
    uid.JPEGLSLossless: (lambda pixels: jpeg_ls(pixels, 0), 0),
    uid.JPEGLSNearLossless: (lambda pixels: jpeg_ls(pixels, NEAR), NEAR),
    uid.JPEG2000Lossless: (lambda pixels: jpeg_2000(pixels, irreversible=False), 0),
    uid.JPEG2000: (lambda pixels: jpeg_2000(pixels, irreversible=True), 2),
    uid.HTJ2KLossless: (lambda _: base64.b64decode(HTJ2K_REVERSIBLE), 0),
    uid.HTJ2KLosslessRPCL: (lambda _: base64.b64decode(HTJ2K_REVERSIBLE), 0),
    uid.HTJ2K: (lambda _: base64.b64decode(HTJ2K_IRREVERSIBLE), 1),
    uid.RLELossless: (lambda pixels: _rle(pixels), 0),
}
DCT = {uid.JPEGBaseline8Bit: 8, uid.JPEGExtended12Bit: 12}  # syntax -> bits of a pixel
NATIVE = (
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.DeflatedExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
)


def _rle(pixels: Pixels) -> bytes:
    rows, columns = pixels.shape
    layout = {"rows": rows, "columns": columns, "samples_per_pixel": 1, "bits_allocated": 16, "bits_stored": 16}
    kind = {"pixel_representation": 0, "photometric_interpretation": "MONOCHROME2", "number_of_frames": 1}
    return RLELosslessEncoder.encode(pixels.astype("<u2").tobytes(), **layout, **kind)


def film_in(syntax: str) -> tuple[Dataset, Pixels, int]:
    """A radiograph in this transfer syntax, its true pixels, and the largest error that the syntax admits."""
    bits = DCT.get(uid.UID(syntax))
    pixels = blocks(bits) if bits else noise()
    film = make_film(rows=ROWS, columns=COLUMNS)
    film.RescaleSlope, film.RescaleIntercept = 1, 0
    error = 0
    if syntax in NATIVE:
        order = ">u2" if syntax == uid.ExplicitVRBigEndian else "<u2"
        film.PixelData = pixels.astype(order).tobytes()
        film["PixelData"].VR = "OW"
    else:
        encode, error = ENCODERS.get(syntax, (lambda image: jpeg_dct(image, bits or 0), 0))
        film.PixelData = encapsulate([encode(pixels)])
    if bits:
        film.BitsAllocated, film.BitsStored, film.HighBit = (8 if bits == 8 else 16), bits, bits - 1
    film.file_meta.TransferSyntaxUID = uid.UID(syntax)
    return film, pixels, error


def write_film(film: Dataset, path: Path) -> Path:
    """Write it in its own transfer syntax."""
    path.parent.mkdir(parents=True, exist_ok=True)
    film.save_as(path, enforce_file_format=True)
    return path
