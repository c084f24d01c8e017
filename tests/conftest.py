"""What all tests share: one thread per process, nobody's own settings, and where real images and the clinic are."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # several processes share few cores; must be set before torch comes
os.environ["MPLBACKEND"] = "Agg"
os.environ.pop("FEDBUNDLE_SITE", None)  # a developer's own site home stays untouched

# shells start what goes into their background with Ctrl-C ignored, and its children inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parents[1]
TOGETHER = "tests/e2e/"  # they share one federation
LONG_FIRST = (TOGETHER, "tests/test_docs.py", "tests/contract/")  # so that none is begun when the other process is done


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the order is otherwise kept."""
    items.sort(key=lambda item: next((n for n, path in enumerate(LONG_FIRST) if item.nodeid.startswith(path)), 9))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out whole files, whose fixtures serve several tests; all end-to-end tests go to one worker."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return TOGETHER if nodeid.startswith(TOGETHER) else nodeid.split("::")[0]

    config.option.loadscopereorder = False
    return ByFile(config, log)


def unavailable(reason: str) -> None:
    """Skip; fail instead where real images were declared to be there (FEDBUNDLE_REQUIRE_TESTDATA=1)."""
    if os.environ.get("FEDBUNDLE_REQUIRE_TESTDATA") == "1":
        pytest.fail(f"{reason}, but FEDBUNDLE_REQUIRE_TESTDATA=1")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def testdata() -> Callable[[str], Path]:
    """Path of a file or folder of the real, openly licensed images: `testdata("prostate_mr/ProstateX-0000")`."""

    def find(name: str) -> Path:
        root = os.environ.get("FEDBUNDLE_TESTDATA")
        if not root:
            unavailable("real images: FEDBUNDLE_TESTDATA is not set")
        path = Path(str(root)).resolve() / name
        if not path.exists():
            unavailable(f"real images: {name} is not in FEDBUNDLE_TESTDATA")
        return path

    return find


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def clinic_python() -> Path:
    """Python of an environment that has what the bundles' metadata name, and no fedbundle; `make test` makes it."""
    python = REPOSITORY / ".venv-clinic" / "bin" / "python"
    if not (REPOSITORY / ".venv-clinic" / ".ready").is_file():
        pytest.skip("no .venv-clinic: run the tests with make")
    return python


@pytest.fixture
def import_path() -> Iterator[None]:
    """A bundle's workflow puts its root on sys.path, and seeds; take both off again."""
    from monai.utils import set_determinism

    before = list(sys.path)
    yield
    sys.path[:] = before
    set_determinism(None)
