"""The network takes and gives what the metadata declare, twice the same, in training and in inference."""

import math
from collections.abc import Iterator

import torch
from monai.bundle import verify_net_in_out

from fedbundle.bundle.declared import FULL
from fedbundle.check.finding import BrokenError, Problem
from fedbundle.check.random_input import MULTIPLE, outputs_of, random_input
from fedbundle.check.running import network, telling
from fedbundle.check.subject import INFERENCE, METADATA, TRAIN, Subject

SHAPE = "network_data_format#inputs#image#spatial_shape"


def net_in_out(bundle: Subject) -> Iterator[Problem]:
    """`verify_net_in_out`, finite logits, no batch statistics, one state dict for both configs."""
    if not bundle.tensor("inputs", "image").get("spatial_shape"):
        raise BrokenError(METADATA, SHAPE, "must give one size per axis, got none; add it")
    n = MULTIPLE[bundle.size]
    configs = [TRAIN, *([INFERENCE] if not bundle.stock or (bundle.root / INFERENCE).is_file() else [])]
    for config in configs:
        with telling(config, "network_def"):
            verify_net_in_out(
                net_id="network_def",
                meta_file=str(bundle.root / METADATA),
                config_file=[str(bundle.root / file) for file in bundle.files(config)],
                device="cpu",
                n=n,
            )
    trained, used = network(bundle, TRAIN), network(bundle, configs[-1])
    for problem in _batch_statistics(trained):
        if not bundle.stock:
            yield problem
        else:
            bundle.tell("batch normalisation: its statistics leave hospitals only with --batch-statistics shared")
    if list(trained.state_dict()) != list(used.state_dict()):
        yield Problem(INFERENCE, "network_def", f"must have the weights of {TRAIN}, got others; copy it")
    image = random_input(bundle, batch=2)
    with telling(TRAIN, "network_def"):
        first, second = (outputs_of(trained, image) for _ in range(2))
    if not all(bool(torch.isfinite(output).all()) for output in first):
        yield Problem(TRAIN, "network_def", "must give finite numbers for a finite input, got NaN or infinity; mend it")
    elif not all(torch.equal(a, b) for a, b in zip(first, second, strict=True)):
        yield Problem(TRAIN, "network_def", "must give the same twice in evaluation, got two results; mend it")
    weights = sum(math.prod(weight.shape) for weight in trained.parameters())
    size = "x".join(map(str, image.shape[2:]))
    bundle.tell(f"{weights:,} weights, tried at {size}{' (n = 4)' if bundle.size == FULL else ''}")


def _batch_statistics(network: torch.nn.Module) -> Iterator[Problem]:
    for name, part in network.named_modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            yield Problem(
                TRAIN, "network_def", f"must have no batch normalisation, got {name}; use instance or group norm"
            )
            return
