"""Where what blocks is done.

Two sets of threads: what a route asks of the lake or the source may hang for seconds each, and must not take the
threads in which keys are looked up and the audit log is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

P = ParamSpec("P")
T = TypeVar("T")
AT_ONCE = 40
"""Threads of routes' work in one process; further calls wait for one."""
_limiter: RunVar[CapacityLimiter] = RunVar("oplake.threads")


async def threaded(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call what blocks."""
    return await to_thread.run_sync(lambda: function(*args, **kwargs), limiter=_of_this_loop())


def _of_this_loop() -> CapacityLimiter:
    try:
        return _limiter.get()
    except LookupError:
        limiter = CapacityLimiter(AT_ONCE)
        _limiter.set(limiter)
        return limiter
