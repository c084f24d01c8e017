"""What leaves as TorchScript, torch.export or ONNX computes what the network computes."""

import importlib.util
import io
from collections.abc import Callable, Iterator
from typing import Any

import torch

from fedbundle.check.finding import NotTriedError, Problem
from fedbundle.check.random_input import difference, outputs_of, random_input
from fedbundle.check.running import network, telling
from fedbundle.check.subject import TRAIN, Subject

EXACT, CLOSE = 1e-5, 1e-4  # largest absolute difference of any output
ONNX = ("onnx", "onnxscript", "onnxruntime")


def torchscript(bundle: Subject) -> Iterator[Problem]:
    """`torch.jit.script`, saved and loaded, gives what the network gives."""

    def reloaded(made: torch.nn.Module, _: torch.Tensor) -> Any:
        file = io.BytesIO()
        torch.jit.save(torch.jit.script(made), file)
        file.seek(0)
        return torch.jit.load(file)  # type: ignore[no-untyped-call]

    yield from _compared(bundle, "TorchScript", reloaded, EXACT)


def torch_export(bundle: Subject) -> Iterator[Problem]:
    """`torch.export`, saved and loaded, gives what the network gives."""

    def reloaded(made: torch.nn.Module, image: torch.Tensor) -> Any:
        file = io.BytesIO()
        torch.export.save(torch.export.export(made, (image,)), file)
        file.seek(0)
        return torch.export.load(file).module()

    yield from _compared(bundle, "torch.export", reloaded, EXACT)


def onnx(bundle: Subject) -> Iterator[Problem]:
    """ONNX, where its packages are installed, gives what the network gives."""
    if absent := [name for name in ONNX if importlib.util.find_spec(name) is None]:
        raise NotTriedError(f"not installed: {', '.join(absent)}")

    def reloaded(made: torch.nn.Module, image: torch.Tensor) -> Any:
        from onnxruntime import InferenceSession  # type: ignore[import-not-found,unused-ignore]

        path = bundle.scratch / "model.onnx"
        torch.onnx.export(made, (image,), str(path), dynamo=True, verbose=False)
        session = InferenceSession(str(path))
        return lambda tensor: [
            torch.as_tensor(value) for value in session.run(None, {session.get_inputs()[0].name: tensor.numpy()})
        ]

    yield from _compared(bundle, "ONNX", reloaded, CLOSE)


def _compared(
    bundle: Subject, name: str, reload: Callable[[torch.nn.Module, torch.Tensor], Any], tolerance: float
) -> Iterator[Problem]:
    made, image = network(bundle, TRAIN), random_input(bundle)
    with telling(TRAIN, "network_def"):
        expected = outputs_of(made, image)
        found = difference(expected, outputs_of(reload(made, image), image))
    bundle.tell(f"largest difference {found:.1e}")
    if not found <= tolerance:  # also refuses NaN
        told = f"must give by {name} what it gives itself within {tolerance:g}, got a difference of {found:g}; mend it"
        yield Problem(TRAIN, "network_def", told)
