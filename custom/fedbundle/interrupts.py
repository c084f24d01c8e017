"""Ctrl-C at the right moment: put off while something must not be torn apart, unheard by processes we end ourselves."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put Ctrl-C and SIGTERM off until we are through; a half-started process could not be found and ended."""
    if threading.current_thread() is not threading.main_thread():  # signals go to the main thread
        yield
        return
    came: list[int] = []
    note: Callable[[int, object], None] = lambda number, _: came.append(number)  # noqa: E731 - one line says it
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes started inside never hear Ctrl-C, from their first instruction on: they inherit the blocked signal."""
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)
