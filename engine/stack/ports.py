"""Free loopback ports."""

from __future__ import annotations

import random
import socket
from collections import deque
from collections.abc import Collection

from engine.errors import OperatorError

LOOPBACK = "127.0.0.1"
LASTING = range(20_000, 30_000)
"""Below the ports that systems give to outgoing connections (32768 on Linux, 49152 elsewhere)."""
_given: deque[int] = deque(maxlen=1000)
"""Free ports that were told last: who asked may not listen yet."""


def free_port() -> int:
    """A port that nobody listens on now; not one of the last that this process was told, which may be the same."""
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
        if port not in _given:
            _given.append(port)
            return port


def lasting_port(taken: Collection[int]) -> int:
    """A port for a server that comes back to it: free now, and not likely to be an outgoing connection's later.

    Args:
        taken: ports that are promised already.

    Raises:
        OperatorError: hardly any port is free.
    """
    for port in random.sample(LASTING, 500):
        if port not in taken and not is_taken(port):
            return port
    raise OperatorError("no loopback port is free", where=f"{LASTING.start} to {LASTING.stop - 1}")


def is_taken(port: int) -> bool:
    """Whether a server could not listen on the port just now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
        return False
