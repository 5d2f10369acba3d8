"""How the processes of a pass ended, of which one did so before its work was done."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from engine.errors import OperatorError

_CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE})
_BY_THE_POOL = -signal.SIGTERM
"""What a pool ends the others with when one of its processes is gone."""
_KEPT = "what is finished is kept: add --resume"


def ended_early(exit_codes: Iterable[int | None], workers: int) -> OperatorError:
    """The error that a pool of processes is broken.

    Args:
        exit_codes: of all its processes, as ``multiprocessing`` tells them; below zero it is a signal.
    """
    codes = [code for code in exit_codes if code is not None]
    cause = min(codes, key=_rank, default=None)
    how, remedy = _told(cause)
    return OperatorError(
        f"a process that read a share of the collection {how}",
        where=f"--workers {workers}",
        remedy=f"{remedy}; {_KEPT}",
    )


def _rank(code: int) -> int:
    """The less, the sooner it is the one that broke the pool."""
    return 2 if code == _BY_THE_POOL else 1 if code == 0 else 0


def _told(code: int | None) -> tuple[str, str]:
    """What happened, and what to do first."""
    if code is None:
        return "ended before its work was done", "what it wrote to stderr may say why"
    if code >= 0:
        return f"ended by itself, with exit code {code}", "what it wrote to stderr may say why"
    name = _name(-code)
    if -code in _CRASHES:
        return f"crashed ({name})", "this is a fault of oplake or of a library; what it wrote to stderr may say which"
    if -code == signal.SIGKILL:
        return (
            f"was killed ({name})",
            "for want of memory, which the system's log tells, take fewer workers, or a smaller --chunk-rows",
        )
    return f"was ended by somebody ({name})", "nothing has to be changed, unless that happens again"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
