"""configs/multi_gpu_train.json trains in a group of processes; here of one, over gloo where there is no GPU."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from ignite import distributed as ignite_distributed
from torch import distributed

from fedbundle.check.finding import ExemptError, NotTriedError, Problem
from fedbundle.check.rules.trains import one_step
from fedbundle.check.running import telling, workflow
from fedbundle.check.subject import SEVERAL_GPUS, Subject


def several_gpus(bundle: Subject) -> Iterator[Problem]:
    """One step as process 0 of 1; the group is left at the end."""
    if bundle.stock:
        raise ExemptError("no data can be made for a stock bundle, and MONAI's specification asks for no such training")
    if not distributed.is_available():
        raise NotTriedError("torch is built without torch.distributed")
    with _group_of_one():
        opened = workflow(bundle, SEVERAL_GPUS, "train", device=None)
        if not distributed.is_initialized():
            yield Problem(SEVERAL_GPUS, "initialize", "must begin a process group, got none; add init_process_group")
            return
        bundle.tell(f"over {distributed.get_backend()}")
        yield from one_step(bundle, opened, SEVERAL_GPUS)
        with telling(SEVERAL_GPUS, "finalize"):
            opened.finalize()
        if distributed.is_initialized():
            yield Problem(SEVERAL_GPUS, "finalize", "must leave the process group, got it still there; destroy it")


@contextmanager
def _group_of_one() -> Iterator[None]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    group = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    before = {name: os.environ.get(name) for name in group}
    os.environ.update(group)
    try:
        yield
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()
        ignite_distributed.sync()  # it remembers the group, and whatever runs next in this process would ask for it
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
