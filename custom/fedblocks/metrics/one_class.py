"""One class of one-hot predictions and labels, as ignite's engines hand it to MONAI's metric handlers."""

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

Cases = tuple[list[Tensor], list[Tensor]]


def class_of(channel: int) -> Callable[[Sequence[Mapping[str, Tensor]]], Cases]:
    """Output transform that keeps one class of one-hot `pred` and `label`.

    Args:
        channel: index of the class in the channel axis of [channel, *space].

    Returns:
        Function from an engine's decollated output to (predictions, labels), each [1, *space].
    """

    def keep(output: Sequence[Mapping[str, Tensor]]) -> Cases:
        cut = slice(channel, channel + 1)
        return [case["pred"][cut] for case in output], [case["label"][cut] for case in output]

    return keep
