"""The Vaults that this process uses, each with one session and one thread that keeps it good."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from engine.secrets.vault_access import VaultAccess
from engine.secrets.vault_session import Notice, VaultSession

LONGEST_REST_S = 60.0
SHORTEST_REST_S = 0.05


class Vaults:
    """Sessions by access. Closing gives back what was leased."""

    def __init__(self) -> None:
        self._sessions: dict[VaultAccess, VaultSession] = {}
        self._lock = threading.Lock()
        self._hears: Callable[[Notice], None] | None = None
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def session(self, access: VaultAccess) -> VaultSession:
        """The session of an access, begun when it is first asked for."""
        with self._lock:
            if access not in self._sessions:
                self._sessions[access] = VaultSession(access, self._told)
            if self._thread is None:
                atexit.register(self.close)
                self._thread = threading.Thread(target=self._keep, name="vault", daemon=True)
                self._thread.start()
            return self._sessions[access]

    def known(self, access: VaultAccess) -> VaultSession | None:
        """The session of an access, if there is one."""
        return self._sessions.get(access)

    def hear(self, hears: Callable[[Notice], None]) -> Self:
        """Tell of renewals and failures from now on."""
        self._hears = hears
        return self

    def close(self) -> None:
        """Give everything back. A later ``session`` begins anew."""
        with self._lock:
            sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _told(self, notice: Notice) -> None:
        if self._hears is not None:
            self._hears(notice)

    def _keep(self) -> None:
        while True:
            with self._lock:
                sessions = list(self._sessions.values())
            for session in sessions:
                session.tend()
            soonest = min((session.next_due for session in sessions), default=time.monotonic() + 1.0)
            rest_s = min(LONGEST_REST_S, max(SHORTEST_REST_S, soonest - time.monotonic()))
            self._wake.wait(min(rest_s, 1.0))  # a secret that is read meanwhile may be due sooner


VAULTS = Vaults()
"""Those of this process."""
