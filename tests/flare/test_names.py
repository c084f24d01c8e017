"""Whatever a job may set is checked before it is used."""

import pytest

from fedbundle.flare.executor import BundleExecutor
from fedbundle.flare.persistor import BundlePersistor
from fedbundle.flare.quorum import QuorumFedAvg

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize("bundle", ["../../etc", "/etc/passwd", "Prostate", "", "a b", "a;id", None, 5])
def test_a_bundle_is_named_and_never_pointed_to(bundle: object) -> None:
    for kind in (BundleExecutor, BundlePersistor):
        with pytest.raises(ValueError, match="bundle must be a name"):
            kind(bundle, DIGEST)  # type: ignore[arg-type]


@pytest.mark.parametrize("digest", ["", "sha256:abc", "md5:" + "0" * 64, DIGEST + "\n"])
def test_a_digest_is_whole(digest: str) -> None:
    with pytest.raises(ValueError, match="recipe_digest must be"):
        BundleExecutor("tiny", digest)


@pytest.mark.parametrize(
    ("setting", "value"), [("local_epochs", 0), ("local_epochs", 10**9), ("gpus", -1), ("seed", True)]
)
def test_settings_have_bounds(setting: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{setting} must be a whole number from"):
        BundleExecutor("tiny", DIGEST, **{setting: value})


@pytest.mark.parametrize("momentum", [-0.1, 1.0, float("nan"), True, "0.5"])
def test_a_servers_momentum_comes_to_rest(momentum: object) -> None:
    with pytest.raises(ValueError, match="server_momentum must be from 0"):
        QuorumFedAvg("tiny", "0.1.0", DIGEST, server_momentum=momentum)  # type: ignore[arg-type]


@pytest.mark.parametrize("waiting", ["round_timeout", "silence_limit"])
def test_no_wait_is_endless(waiting: str) -> None:
    with pytest.raises(ValueError, match=f"{waiting} must be from"):
        QuorumFedAvg("tiny", "0.1.0", DIGEST, **{waiting: float("inf")})


def test_the_executor_takes_no_command() -> None:
    with pytest.raises(TypeError, match="command"):
        BundleExecutor("tiny", DIGEST, command=["sh"])  # type: ignore[call-arg]
