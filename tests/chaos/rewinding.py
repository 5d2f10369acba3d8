"""A connector that is taken back to where it stood before: it reads the oplog from there, and tells all that again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import httpx

from engine.errors import TransportError
from engine.resources.connect_rest import ConnectRest
from engine.resources.connector_states import read_state

PATIENCE_S = 30.0
RESUMED_WITHIN_S = 600.0
"""Connect knows of no connector until it has read its configurations, from a broker that may be away, too."""
PAUSE_S = 0.5
_log = logging.getLogger(__name__)


class Rewinding:
    """The connectors of one Connect cluster."""

    def __init__(self, url: str, names: Sequence[str]) -> None:
        self._url, self._names = url, names
        self._rest = ConnectRest(url)
        self._known: dict[str, list[Any]] = {}
        self.done = 0
        """How often a connector was taken back."""

    def remember(self) -> None:
        """Note where each connector stands; one that cannot be asked just now keeps its older place."""
        for name in self._names:
            with suppress(TransportError):
                self._known[name] = self._rest.offsets(name) or self._known.get(name, [])

    def states(self) -> dict[str, str]:
        """How each connector is, for whoever looks for what went wrong."""
        found = dict.fromkeys(self._names, "unknown")
        for name in self._names:
            with suppress(TransportError):
                state = read_state(self._rest.status(name))
                found[name] = f"{state.text()} {state.trace}"
        return found

    def rewind(self, name: str) -> None:
        """Take a connector to the noted place, if Connect is in a state to do so. It runs afterwards."""
        offsets = self._known.get(name)
        try:
            self._rest.stop(name)
            self.done += bool(offsets) and _in_time(lambda: self._change(name, offsets or []))
        except TransportError as error:
            _log.info("no rewinding just now: %s", error.what)
        finally:
            self.resume(name)
            self.remember()

    def resume(self, name: str) -> None:
        """Let a connector run, whatever was done to it: one that stays stopped would look like a loss."""

        def asked() -> bool:
            with suppress(TransportError):
                self._rest.resume(name)
                return True
            return False

        assert _in_time(asked, RESUMED_WITHIN_S), f"{name} cannot be resumed"

    def resume_all(self) -> None:
        """Let all of them run."""
        for name in self._names:
            self.resume(name)

    def _change(self, name: str, offsets: Sequence[Any]) -> bool:
        """Connect refuses until the last task has stopped."""
        try:
            address = f"{self._url}/connectors/{name}/offsets"
            return httpx.patch(address, json={"offsets": offsets}, timeout=PATIENCE_S).is_success
        except httpx.HTTPError:
            return False


def _in_time(attempt: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
    until = time.monotonic() + patience_s
    while not attempt():
        if time.monotonic() > until:
            return False
        time.sleep(PAUSE_S)
    return True
