"""Files made to harm: each is counted as damaged or refused, in bounded time and memory, and the others stay."""

import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian
from samples.dicom_series import make_slices, write_slices

MOST_S, MOST_MIB = 120.0, 600
JUDGE = """
import json, re, sys
from pathlib import Path
from fedbundle.dicom.gate.verdict import examine
from fedbundle.dicom.series import survey
found = survey(Path(sys.argv[1]))
used = sum(examine(series).used for series in found.series)
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]  # ru_maxrss is inherited
print(json.dumps([len(found.damaged), used, int(peak) // 1024]))
"""
SEQUENCE = struct.pack("<HH", 0x0040, 0xA730) + b"SQ\0\0\xff\xff\xff\xff"
ITEM = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)


def sound(tmp_path: Path) -> bytes:
    """Bytes of a sound image."""
    (image, *_) = make_slices()
    return next(write_slices(tmp_path / "sound", [image]).iterdir()).read_bytes()


def without_pixels(content: bytes) -> bytes:
    return content[: content.rindex(b"\xe0\x7f\x10\x00")]


def nested(content: bytes) -> bytes:
    """100,000 sequences in each other."""
    return without_pixels(content) + (SEQUENCE + ITEM) * 100_000


def endless(content: bytes) -> bytes:
    """A value that claims 4 GB."""
    return without_pixels(content) + struct.pack("<HH", 0x0040, 0xA160) + b"UT\0\0" + b"\xf0\xff\xff\xff" + b"x" * 100


def without_end(content: bytes) -> bytes:
    """A sequence of undefined length that is never closed."""
    return without_pixels(content) + SEQUENCE + ITEM


def a_million_elements(content: bytes) -> bytes:
    """Private elements without end."""
    element = b"".join(struct.pack("<HH", 0x0041, 0x1000 + n) + b"LO\x02\0xx" for n in range(0xE000))
    return without_pixels(content) + element * 18


def bomb(content: bytes) -> bytes:
    """1 GiB of zeros, deflated to 1 MiB."""
    at = content.index(b"1.2.840.10008.1.2.1\0") - 8
    start = 144 + struct.unpack("<L", content[140:144])[0]
    syntax = DeflatedExplicitVRLittleEndian.encode()
    meta = content[144:at] + struct.pack("<HH", 2, 0x10) + b"UI" + struct.pack("<H", len(syntax)) + syntax
    rest = content[at + 8 + 20 : start]
    meta += rest
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = squeeze.compress(
        without_pixels(content)[start:] + struct.pack("<HH", 0x7FE0, 0x10) + b"OW\0\0\xf0\xff\xff\xff"
    )
    body += b"".join(squeeze.compress(bytes(1 << 24)) for _ in range(64)) + squeeze.flush()
    return content[:140] + struct.pack("<L", len(meta)) + meta + body


SLOWLY = [pytest.param(harm, marks=pytest.mark.slow) for harm in (a_million_elements, bomb)]


@pytest.mark.parametrize("harm", [nested, endless, without_end, *SLOWLY])
def test_a_hostile_file_costs_itself_only(harm: Callable[[bytes], bytes], tmp_path: Path) -> None:
    content = harm(sound(tmp_path))
    (tmp_path / "study").mkdir()
    write_slices(tmp_path / "study" / "good", make_slices())
    (tmp_path / "study" / "hostile").write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", JUDGE, str(tmp_path / "study")], capture_output=True, text=True, timeout=MOST_S
    )
    assert done.returncode == 0, done.stderr[-500:]
    damaged, used, mib = json.loads(done.stdout)
    assert (damaged, used) in ((1, 1), (0, 0))  # it is left out and counted, or its series is refused
    assert mib < MOST_MIB
