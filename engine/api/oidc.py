"""Bearer tokens of an OpenID provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jwt

from engine.api.settings import Settings
from engine.state.api_keys import ROLES, Role

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "EdDSA")
"""Those with a public key: a shared secret, or none, would let anybody sign."""
KEYS_KEPT_S = 300
LEEWAY_S = 30
TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token that is right says."""

    subject: str
    role: Role


class Provider:
    """One provider, known by its key set, which is fetched again when it is old or lacks a key."""

    def __init__(self, settings: Settings) -> None:
        self._issuer, self._audience = settings.oidc_issuer, settings.oidc_audience
        self._roles = settings.oidc_roles
        self._keys = jwt.PyJWKClient(settings.oidc_jwks, lifespan=KEYS_KEPT_S, timeout=TIMEOUT_S)

    @classmethod
    def of(cls, settings: Settings) -> Provider | None:
        """The provider of the settings, if they name one."""
        return cls(settings) if settings.oidc_jwks else None

    def claims(self, token: str) -> Claims | None:
        """What the token says; None when it is not this provider's, not for us, expired, or gives no role of ours."""
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            body: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=list(ALGORITHMS),
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError:
            return None
        given = body.get(self._roles, ())
        named = {given} if isinstance(given, str) else set(given) if isinstance(given, list) else set()
        role = next((role for role in reversed(ROLES) if role in named), None)
        return None if role is None else Claims(str(body["sub"]), role)
