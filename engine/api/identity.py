"""Who asks, and what they may do."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from engine.api.audit_entry import ASKED, READS, write_down
from engine.api.oidc import Provider
from engine.api.problems import Forbidden, Unauthenticated
from engine.api.settings import Settings
from engine.api.throttle import Throttle
from engine.state.api_keys import PREFIX, ROLES, ApiKeys, Role

REMEMBERED_S = 5.0
"""A key that was revoked opens nothing after so long; between, it is not looked up for every request."""
_MAX_REMEMBERED = 10_000
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
bearer = HTTPBearer(auto_error=False, description="A key of `oplake keys create`, or a token of the OIDC provider.")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks."""

    actor: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether the role includes this one."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Doorkeeper:
    """Knows people by their keys and tokens."""

    def __init__(self, settings: Settings, keys: ApiKeys, throttle: Throttle) -> None:
        self._is_open = settings.auth == "off"
        self._keys = keys
        self._throttle = throttle
        self._provider = Provider.of(settings)
        self._known: dict[str, tuple[float, Identity]] = {}

    async def identify(self, request: Request, token: str | None) -> Identity:
        """Who asks.

        Raises:
            Unauthenticated: nobody knows.
            TooManyRequests: too many wrong keys came from this address.
        """
        address = address_of(request)
        if self._is_open:
            return _neighbour(request, address)
        if token is None:
            raise _unknown("the request carries no key")
        known = self._known.get(token)
        if known is not None and time.monotonic() - known[0] < REMEMBERED_S:
            return known[1]
        await self._throttle.check_failures(address)
        found = await self._look_up(token)
        if found is None:
            await self._throttle.count_failure(address)
            raise _unknown("the key or token is unknown, revoked or expired")
        if len(self._known) >= _MAX_REMEMBERED:
            self._known.clear()
        self._known[token] = (time.monotonic(), found)
        return found

    async def _look_up(self, token: str) -> Identity | None:
        if token.startswith(f"{PREFIX}_"):
            key = await to_thread.run_sync(self._keys.verify, token)
            return None if key is None else Identity(f"key {key.name} ({key.id})", key.role)
        if self._provider is None:
            return None
        claims = await to_thread.run_sync(self._provider.claims, token)
        if claims is None:
            return None
        return Identity(f"oidc {claims.subject}", claims.role)


def address_of(request: Request) -> str:
    """Where the request comes from, as the server saw it."""
    return request.client.host if request.client is not None else ""


def needs(role: Role) -> Callable[..., Coroutine[Any, Any, Identity]]:
    """A dependency that lets those pass who have the role; a change that cannot be written down is not made."""

    async def identity(
        request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)] = None
    ) -> Identity:
        keeper: Doorkeeper = request.app.state.doorkeeper
        found = await keeper.identify(request, given.credentials if given is not None else None)
        await request.app.state.throttle.count_actor(found.actor)
        request.scope["oplake.identity"] = found
        if not found.may(role):
            raise Forbidden(
                f"this takes the role {role}, and {found.actor} has {found.role}",
                remedy="ask an admin for a key of that role",
            )
        if role != "viewer" and request.method not in READS:
            await write_down(request.app.state.service.audit, request, ASKED)
        return found

    return identity


Viewer = Annotated[Identity, Depends(needs("viewer"))]
Operator = Annotated[Identity, Depends(needs("operator"))]
Admin = Annotated[Identity, Depends(needs("admin"))]


def _neighbour(request: Request, address: str) -> Identity:
    """Without authentication only this machine is served; a name that somebody pointed here is refused, too."""
    named = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
    try:
        is_near = ip_address(address).is_loopback
    except ValueError:
        is_near = False
    if not is_near or named not in LOOPBACK_NAMES:
        raise _unknown("authentication is off, so only loopback addresses of this machine are served")
    return Identity("loopback", "admin")


def _unknown(what: str) -> Unauthenticated:
    return Unauthenticated(
        what,
        where="Authorization",
        remedy="send `Authorization: Bearer KEY`; `oplake keys create` makes one",
        headers={"WWW-Authenticate": "Bearer"},
    )
