import os
import signal
import threading

import pytest

from neurarium.training.interrupt import stop_on_interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_asks_and_the_handler_is_put_back(number: int) -> None:
    before = signal.getsignal(number)
    with stop_on_interrupt() as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert stop.requested
    assert signal.getsignal(number) is before


def test_second_interrupt_interrupts() -> None:
    with stop_on_interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_other_threads_get_a_request_without_signals() -> None:
    seen = []

    def work() -> None:
        with stop_on_interrupt() as stop:
            stop()
            seen.append(stop.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True]
