"""Ctrl-C as a request: the loop sees it at the next step boundary and stops there, saved."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class StopRequest:
    """Whether somebody wants the run to stop."""

    def __init__(self) -> None:
        self.requested = False

    def __call__(self) -> None:
        """Ask for a stop."""
        self.requested = True


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[StopRequest]:
    """Turn the first SIGINT or SIGTERM into a request; the second SIGINT interrupts as usual.

    Outside the main thread signals cannot be caught, and the request is there for the caller alone.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if request.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        request()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
