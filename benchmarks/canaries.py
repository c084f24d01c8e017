"""What survives de-identification: ours beside dicom-anonymizer, deid, dicognito, gdcmanon and Orthanc.

Every attribute of PS3.15 Table E.1-1 (edition 2026c, as dicom-anonymizer lists it) is planted with a value of its own:
at the top of an MR image, and inside one, two and three sequences. Corners are private blocks, overlays, curves,
preamble, file meta and what stands behind the pixels. A survivor is a value found in the bytes that a tool wrote; short
binary ones count where they stood. Tools with another aim than PS3.15 (dicognito) are measured by it all the same, and
dicom-anonymizer with its 2026c rules is judged by its own table.

Prints a table; `--page` also writes it into docs/reference/benchmarks/. Peers: pip install -e .[bench], and the Debian
packages libgdcm-tools, openssl, orthanc and orthanc-dicomweb.
"""

import argparse
import importlib.metadata
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import requests

from _page import ROOT, write_section

sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "poc")]
from samples.canaries import CORNERS, DEPTHS, Cage  # noqa: E402 -- found by the line above

ABSENT, REFUSED = "absent", "refused"
PLACES = (*DEPTHS, CORNERS)
Tool = Callable[[Path, Path], None]  # reads the first, writes the second


def fedbundle(source: Path, out: Path) -> None:
    """What `fedbundle ingest --keep-dicom` does to each image."""
    from pydicom import dcmread

    from fedbundle.dicom.deid.deidentify import deidentify

    deidentify(dcmread(source), bytes(range(32))).save_as(out, enforce_file_format=True)


def dicom_anonymizer(source: Path, out: Path) -> None:
    """Its default rules."""
    from dicomanonymizer import anonymize_dicom_file

    anonymize_dicom_file(str(source), str(out))


def dicom_anonymizer_2026c(source: Path, out: Path) -> None:
    """Its newest rules."""
    from dicomanonymizer import anonymize_dicom_file
    from dicomanonymizer.simpledicomanonymizer import initialize_actions

    anonymize_dicom_file(str(source), str(out), base_rules_gen=lambda: initialize_actions("dicomfields_2026c"))


def deid(source: Path, out: Path) -> None:
    """Its default recipe."""
    from deid.config import DeidRecipe
    from deid.dicom import get_identifiers, replace_identifiers

    recipe = DeidRecipe()
    found = get_identifiers([str(source)], expand_sequences=True)
    (clean,) = replace_identifiers([str(source)], deid=recipe, ids=found, save=False)
    clean.save_as(out)


def dicognito(source: Path, out: Path) -> None:
    """Its anonymizer with a seed."""
    from dicognito.anonymizer import Anonymizer
    from pydicom import dcmread

    image = dcmread(source)
    Anonymizer(seed="canaries").anonymize(image)
    image.save_as(out)


def gdcmanon(source: Path, out: Path) -> None:
    """With -e, the basic profile, which encrypts what it takes away."""
    program, openssl = shutil.which("gdcmanon"), shutil.which("openssl")
    if not (program and openssl):
        raise ImportError("gdcmanon and openssl are not installed")
    certificate = out.with_suffix(".pem")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=canary", "-days", "2"]
    made = [*command, "-keyout", str(out.with_suffix(".key")), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    subprocess.run([program, "-e", "-c", str(certificate), str(source), str(out)], check=True, capture_output=True)


def orthanc(source: Path, out: Path) -> None:
    """POST /instances/{id}/anonymize, as it comes."""
    import orthanc as server

    if not server.installed():
        raise ImportError("Orthanc is not installed")
    with server.running() as running, requests.Session() as session:
        session.auth, session.trust_env = (server.USER, server.PASSWORD), False
        url = f"http://127.0.0.1:{running.address.http}/instances"
        stored = session.post(url, data=source.read_bytes(), timeout=30)
        stored.raise_for_status()
        clean = session.post(f"{url}/{stored.json()['ID']}/anonymize", json={}, timeout=30)
        clean.raise_for_status()
        out.write_bytes(clean.content)


TOOLS: dict[str, Tool] = {
    "fedbundle": fedbundle,
    "dicom-anonymizer": dicom_anonymizer,
    "dicom-anonymizer, 2026c rules": dicom_anonymizer_2026c,
    "deid": deid,
    "dicognito": dicognito,
    "gdcmanon -e": gdcmanon,
    "Orthanc": orthanc,
}


def survivors(tool: str, cage: Cage, folder: Path) -> str:
    """How many canaries a tool lets through, in one word."""
    source, out = cage.write(folder / "source.dcm"), folder / "out.dcm"
    try:
        TOOLS[tool](source, out)
        return str(len(cage.survivors(out)))
    except ImportError:
        return ABSENT
    except Exception as error:  # whatever a tool raises: it has said no
        print(f"{tool}, {cage.place}: {type(error).__name__}", file=sys.stderr)
        return REFUSED


def table() -> tuple[str, bool]:
    """Markdown, and whether ours lets nothing through."""
    cages = {place: Cage(place) for place in PLACES}
    heads = [f"depth {place}" if place in DEPTHS else str(place) for place in PLACES]
    lines = ["| tool | " + " | ".join(heads) + " |", "|---" * (len(PLACES) + 1) + "|"]
    lines.append("| *planted* | " + " | ".join(str(len(cage.canaries)) for cage in cages.values()) + " |")
    clean = True
    for tool in TOOLS:
        cells = []
        for cage in cages.values():
            with tempfile.TemporaryDirectory() as folder:
                cells.append(survivors(tool, cage, Path(folder)))
        clean = clean and (tool != "fedbundle" or set(cells) == {"0"})
        lines.append(f"| {tool} | " + " | ".join(cells) + " |")
    return "\n".join(lines), clean


def versions() -> str:
    """Of the tools that tell it."""
    found = [
        f"{name} {importlib.metadata.version(name)}" for name in ("dicom-anonymizer", "deid", "dicognito", "pydicom")
    ]
    if program := shutil.which("Orthanc"):
        found.append(subprocess.run([program, "--version"], capture_output=True, text=True).stdout.splitlines()[0])
    return ", ".join(found)


def main() -> int:
    """Judge all tools in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="write the table into docs/reference/benchmarks/")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    told, clean = table()
    print(told)
    if options.page:
        about = str(__doc__).split("\n\n")[1]
        write_section("De-identification", f"benchmarks/{Path(__file__).name}", f"{about}\n\n{told}\n\n{versions()}.")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
