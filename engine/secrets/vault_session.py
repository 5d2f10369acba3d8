"""One login to one Vault: what was read stays in use, and is kept good or replaced before it ends.

``read`` answers from memory; ``tend`` does what is due and is called by a thread of its own, so that nobody who reads
waits for Vault unless nothing is known yet. A Vault that is sealed or away takes nothing from those who read: what
they have stays, and ``tend`` tries again.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from engine.errors import OplakeError, SecretsError, SecretsUnreachable
from engine.secrets.vault_access import TokenLogin, VaultAccess
from engine.secrets.vault_client import VaultClient
from engine.secrets.vault_lease import Lease, put_off, renewed, to_replace
from engine.secrets.vault_path import SecretPath

TOKEN = "token"  # noqa: S105  what is told of, not a token


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened to a lease, for the log."""

    what: str
    secret: str
    """Its path, or ``token``."""
    left_s: float
    """How long what is held is still good."""
    error: OplakeError | None = None


class VaultSession:
    """The secrets of one Vault that this process uses."""

    def __init__(
        self, access: VaultAccess, tell: Callable[[Notice], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing is sent before the first ``read``."""
        self.changes = 0
        """Goes up when a value is another than before."""
        self._access = access
        self._tell = tell
        self._now = clock
        self._client = VaultClient(access, clock)
        self._lock = threading.RLock()
        self._token: Lease | None = None
        self._old_tokens: list[Lease] = []
        self._leases: dict[SecretPath, Lease] = {}
        self._old_leases: list[Lease] = []

    def read(self, secret: SecretPath) -> Mapping[str, str]:
        """The fields of a secret.

        Raises:
            SecretsUnreachable: Vault does not answer, and nothing that is still good is known.
            SecretsError: Vault refuses, or has no such secret.
        """
        lease = self._leases.get(secret)
        if lease is not None and self._now() < lease.ends:
            return lease.data
        with self._lock:
            lease = self._leases.get(secret)
            if lease is None or self._now() >= lease.ends:
                lease = self._fetch(secret)
            return lease.data

    def ends_at(self, secret: SecretPath) -> float | None:
        """When (monotonic seconds) what is held of a secret ends; None when it has no end, or is not held."""
        lease = self._leases.get(secret)
        return None if lease is None or math.isinf(lease.ends) else lease.ends

    @property
    def next_due(self) -> float:
        """When there is something to do."""
        held = [*self._leases.values(), *([self._token] if self._token else [])]
        return min((lease.due for lease in held), default=math.inf)

    def tend(self) -> None:
        """Do what is due: renew, and replace what cannot be renewed any more."""
        with self._lock:
            if self._token is not None and self._now() >= self._token.due:
                self._tend_token(self._token)
            for secret, lease in list(self._leases.items()):
                if self._now() >= lease.due:
                    self._tend_lease(secret, lease)

    def close(self) -> None:
        """Give back every token and lease that was made here, as far as Vault answers."""
        with self._lock:
            leases, tokens = [*self._leases.values(), *self._old_leases], list(self._old_tokens)
            own_token = not isinstance(self._access.login, TokenLogin)
            if self._token is not None and own_token:
                tokens.append(self._token)
            with suppress(SecretsUnreachable):
                for lease in () if own_token else leases:
                    self._give_back(self._client.revoke_lease, lease)
                for token in tokens:  # and with each the leases that it made
                    self._give_back(self._client.revoke_token, token)
            self._token = None
            self._leases, self._old_leases, self._old_tokens = {}, [], []

    def _give_back(self, revoke: Callable[[str], None], lease: Lease) -> None:
        if lease.is_dynamic and self._now() < lease.ends:
            with suppress(SecretsError):  # it has ended by itself, or is not ours to end
                revoke(lease.id)

    def _fetch(self, secret: SecretPath) -> Lease:
        """Read a secret; a token that Vault does not know any more is replaced once."""
        is_new = self._token is None or self._now() >= self._token.ends
        if is_new:
            self._log_in()
        try:
            lease = self._client.read(secret)
        except SecretsError:
            if is_new or isinstance(self._access.login, TokenLogin):
                raise
            self._log_in()
            lease = self._client.read(secret)
        self._hold(secret, lease)
        return lease

    def _hold(self, secret: SecretPath, lease: Lease) -> None:
        before = self._leases.get(secret)
        self._leases[secret] = lease
        if before is not None and before.is_dynamic:
            self._old_leases = [old for old in self._old_leases if self._now() < old.ends]
            self._old_leases.append(before)
        if before is not None and before.data != lease.data:
            self.changes += 1

    def _log_in(self) -> None:
        """A token's end is the end of the leases it made: those are replaced while the old ones are still good."""
        token = self._client.log_in()
        if self._token is not None:
            self._old_tokens = [old for old in self._old_tokens if self._now() < old.ends]
            self._old_tokens.append(self._token)
            if not isinstance(self._access.login, TokenLogin):
                self._make_dynamic_due()
        self._token = token

    def _make_dynamic_due(self) -> None:
        for secret, lease in self._leases.items():
            if lease.is_dynamic:
                self._leases[secret] = to_replace(lease, self._now())

    def _tend_token(self, token: Lease) -> None:
        try:
            longer = renewed(token, self._client.renew_token(), self._now()) if token.renewable else None
        except SecretsError:
            longer = None
        except SecretsUnreachable as error:
            self._trouble(TOKEN, token, error)
            self._token = put_off(token, self._now())
            return
        if longer is not None:
            self._token = longer
            self._notice("renewed", TOKEN, longer)
            return
        try:
            self._log_in()
        except (SecretsError, SecretsUnreachable) as error:
            self._trouble(TOKEN, token, error)
            self._token = put_off(token, self._now())
            return
        self._notice("replaced", TOKEN, self._token or token)

    def _tend_lease(self, secret: SecretPath, lease: Lease) -> None:
        try:
            longer = self._prolonged(secret, lease) if lease.renewable else None
            if longer is None:
                longer = self._fetch(secret)
                self._notice("replaced" if longer.is_dynamic else "read", str(secret), longer)
            else:
                self._leases[secret] = longer
                self._notice("renewed", str(secret), longer)
        except (SecretsError, SecretsUnreachable) as error:
            self._trouble(str(secret), lease, error)
            self._leases[secret] = put_off(lease, self._now())

    def _prolonged(self, secret: SecretPath, lease: Lease) -> Lease | None:
        try:
            return renewed(lease, self._client.renew(secret, lease), self._now())
        except SecretsError:
            return None  # it was revoked, or its time is over

    def _notice(self, what: str, secret: str, lease: Lease) -> None:
        self._tell(Notice(what, secret, lease.ends - self._now()))

    def _trouble(self, secret: str, lease: Lease, error: OplakeError) -> None:
        self._tell(Notice("failed", secret, max(0.0, lease.ends - self._now()), error))
