"""Says at a steady interval that a pass is under way, whatever its process is busy with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from engine.errors import StateError
from engine.state.reconciliations import Reconciliations
from engine.state.signs_of_life import HEARD_EVERY_S
from engine.state.tenure import Tenure
from engine.telemetry.logs import logger


@contextmanager
def heard(kept: Reconciliations, hold: Tenure) -> Iterator[Callable[[], None]]:
    """Renew a hold from a thread of its own for as long as the block lasts.

    A state that cannot be written just now does not end the pass: it is tried again, and what must not be written
    twice asks for the hold itself. Whatever else goes wrong does: a pass that nobody hears of is taken over.

    Yields:
        What raises ``PassTaken`` once the pass is another's, and the error that ended the signs of life, for the block
        to ask now and then.
    """
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(HEARD_EVERY_S):
            try:
                kept.renew(hold)
            except StateError as error:
                logger(run=hold.run).warning("sign of life not written", what=error.what, where=error.where)

    with ThreadPoolExecutor(1, "heartbeat") as threads:
        beating = threads.submit(beat)

        def still_held() -> None:
            if beating.done():
                beating.result()

        try:
            yield still_held
        finally:
            ended.set()
