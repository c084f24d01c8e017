"""Child process of the export: `python -m fedbundle.bundle.rebuild` with a bundle's root as working directory.

A process of its own, because the bundle's own fedblocks must be the first that is imported.

    write WEIGHTS FOLDER SIZE    build the network of that size from configs/train.json, load the weights, write
                                 model.pt, model.ts and reference.pt (a random input and the network's output)
    compare REFERENCE            reload models/model.pt and models/model.ts, run the same input, print the differences
"""

import json
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser, ckpt_export
from monai.bundle.scripts import _get_fake_spatial_shape

from fedbundle.bundle.declared import released_size, size_configs
from fedbundle.errors import ExportError, FedbundleError
from fedbundle.files import read_json

SEED = 20240229


def write(weights: Path, folder: Path, size: str) -> dict[str, float]:
    """Write model.pt, model.ts and reference.pt into `folder`.

    Raises:
        ExportError: the weights are no finite state dict of exactly this network.
    """
    network = _network("train.json", size)
    _load(network, read_weights(weights))
    image = _random_input(read_json(Path("configs/metadata.json")))
    torch.save(network.state_dict(), folder / "model.pt")
    torch.save({"input": image, "outputs": _run(network, image)}, folder / "reference.pt")
    ckpt_export(
        "network_def",
        filepath=str(folder / "model.ts"),
        ckpt_file=str(folder / "model.pt"),
        meta_file="configs/metadata.json",
        config_file=size_configs(Path.cwd(), _used(), size),  # goes into model.ts, where MONAI Deploy looks for it
    )
    return {}


def compare(reference: Path) -> dict[str, float]:
    """Largest absolute difference of each reloaded model's output to the reference; NaN when it has NaN.

    Raises:
        ExportError: a model cannot be reloaded, or its output has another shape.
    """
    known = torch.load(reference, weights_only=True)
    network = _network(_used(), released_size(Path.cwd()))
    _load(network, read_weights(Path("models/model.pt")))
    script = torch.jit.load("models/model.ts", map_location="cpu").eval()  # type: ignore[no-untyped-call]
    return {
        name: _difference(known["outputs"], _run(model, known["input"]))
        for name, model in (("model.pt", network), ("model.ts", script))
    }


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict from a `.pt` file without unpickling code.

    Raises:
        ExportError: it holds anything but finite tensors by name.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's restricted unpickler meets damaged bytes with errors of any kind
        reason = str(error).splitlines()[0] if str(error) else repr(error)
        raise ExportError(f"weights must be a state dict saved by torch, got {path.name}: {reason}") from error
    if not isinstance(state, Mapping) or not state or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise ExportError(f"weights must be tensors by name, got another content in {path.name}; save a state dict")
    if broken := [name for name, value in state.items() if not bool(torch.isfinite(value).all())]:
        raise ExportError(f"weights must be finite, got NaN or infinity in {broken[0]}; choose an earlier round")
    return {str(name): value for name, value in state.items()}


def _used() -> str:
    """The config with which the bundle is used; a stock bundle may have none but that of its training."""
    return "inference.json" if Path("configs/inference.json").is_file() else "train.json"


def _network(config: str, size: str) -> torch.nn.Module:
    parser = ConfigParser()
    parser.read_config(size_configs(Path.cwd(), config, size))
    parser.read_meta("configs/metadata.json")
    network = parser.get_parsed_content("network_def")
    if not isinstance(network, torch.nn.Module):
        raise ExportError(f"network_def of {config} must be a network, got {type(network).__name__}; mend the config")
    return network.eval()


def _load(network: torch.nn.Module, state: dict[str, torch.Tensor]) -> None:
    own = network.state_dict()
    for problem, names in (("misses", own.keys() - state.keys()), ("adds", state.keys() - own.keys())):
        if names:
            raise ExportError(
                f"weights must fit network_def, got a file that {problem} {len(names)} tensors, {min(names)} first; "
                "name the bundle that was trained"
            )
    for name, value in own.items():
        if value.shape != state[name].shape:
            raise ExportError(
                f"weights must fit network_def, got {name} of shape {list(state[name].shape)} "
                f"instead of {list(value.shape)}; name the bundle that was trained"
            )
    network.load_state_dict(state)


def _random_input(metadata: dict[str, Any]) -> torch.Tensor:
    """[1, channel, *spatial] float32, normal, always the same; free sizes become 32, `p` and `n` of a pattern 1."""
    inputs = metadata["network_data_format"]["inputs"]
    image = inputs["image"] if "image" in inputs else next(iter(inputs.values()))
    spatial = _get_fake_spatial_shape(image["spatial_shape"], p=1, n=1, any=32)
    generator = torch.Generator().manual_seed(SEED)
    return torch.randn(1, int(image["num_channels"]), *spatial, generator=generator)


def _run(model: Any, image: torch.Tensor) -> list[torch.Tensor]:
    with torch.no_grad():
        output = model(image)
    outputs = [output] if isinstance(output, torch.Tensor) else list(output)
    return [torch.as_tensor(value).clone() for value in outputs]


def _difference(expected: list[torch.Tensor], actual: list[torch.Tensor]) -> float:
    shapes = [list(value.shape) for value in expected], [list(value.shape) for value in actual]
    if shapes[0] != shapes[1]:
        raise ExportError(f"reloaded network must give outputs of shape {shapes[0]}, got {shapes[1]}; check the bundle")
    return max(float((a - b).abs().max()) for a, b in zip(expected, actual, strict=True))


def main(arguments: list[str]) -> int:
    """Run one of the two verbs; the result is the last line on stdout."""
    # TorchScript is deprecated in torch 2.13, but MONAI Deploy and the model zoo's tools still read model.ts
    warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
    sys.path.insert(0, str(Path.cwd()))
    verb, *rest = arguments
    try:
        result = write(Path(rest[0]), Path(rest[1]), rest[2]) if verb == "write" else compare(Path(rest[0]))
    except FedbundleError as error:
        sys.stderr.write(f"{error}\n")
        return ExportError.code  # the reason is the last line on stderr
    sys.stdout.write(f"\n{json.dumps(result)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
