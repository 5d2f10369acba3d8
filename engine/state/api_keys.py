"""The keys of the service: made once, shown once, kept as digests."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from sqlalchemy import Row, insert, select, update

from engine.state.clock import now_text
from engine.state.database import Database
from engine.state.schema import api_keys

PREFIX = "oplake"
ID_BYTES, SECRET_BYTES = 6, 32

Role: TypeAlias = Literal["viewer", "operator", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")
"""Each may do what those before it may."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. Times are ISO 8601 in UTC."""

    id: str
    name: str
    role: Role
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None

    def is_valid(self, now: str) -> bool:
        """Whether it opens anything at this time."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class ApiKeys:
    """All keys of a state database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, role: Role, expires_at: str | None = None) -> tuple[ApiKey, str]:
        """Make a key; returns it and its text, which nobody can show again.

        The text holds 256 random bits, so one round of SHA-256 keeps it as well as a slow hash would.
        """
        key = ApiKey(secrets.token_hex(ID_BYTES), name, role, now_text(), expires_at)
        secret = secrets.token_urlsafe(SECRET_BYTES)
        with self._database.writing() as connection:
            connection.execute(
                insert(api_keys).values(
                    id=key.id,
                    name=name,
                    role=role,
                    digest=_digest(secret),
                    created_at=key.created_at,
                    expires_at=expires_at,
                )
            )
        return key, f"{PREFIX}_{key.id}_{secret}"

    def all(self) -> list[ApiKey]:
        """Every key ever made, in the order of their making."""
        with self._database.reading() as connection:
            return [_read(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.created_at))]

    def revoke(self, key_id: str) -> bool:
        """Make a key open nothing any more; False when there is no such key."""
        mine = (api_keys.c.id == key_id) & api_keys.c.revoked_at.is_(None)
        with self._database.writing() as connection:
            return connection.execute(update(api_keys).where(mine).values(revoked_at=now_text())).rowcount > 0

    def verify(self, text: str) -> ApiKey | None:
        """The key that this text is; None when it is none, was revoked or has expired."""
        prefix, _, rest = text.partition("_")
        key_id, _, secret = rest.partition("_")
        if prefix != PREFIX or not secret:
            return None
        with self._database.reading() as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).first()
        # An unknown key costs the same comparison as a known one.
        known = str(row.digest) if row is not None else _digest("")
        is_right = hmac.compare_digest(known, _digest(secret))
        if row is None or not is_right:
            return None
        key = _read(row)
        return key if key.is_valid(now_text()) else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _read(row: Row[Any]) -> ApiKey:
    return ApiKey(row.id, row.name, cast("Role", row.role), row.created_at, row.expires_at, row.revoked_at)
