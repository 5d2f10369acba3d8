"""How a Vault is reached and how oplake proves there who it is, as a target says; nothing is resolved yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeAlias


class Resolvable(Protocol):
    """Text with references; two of the same text are equal."""

    def resolved(self) -> str:
        """What it stands for now."""

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class TokenLogin:
    """A token that somebody has made: it is renewed while it can be, and never revoked by oplake."""

    token: Resolvable = field(repr=False)


@dataclass(frozen=True, slots=True)
class AppRoleLogin:
    """AppRole: a role's id and a secret id."""

    mount: str
    role_id: Resolvable = field(repr=False)
    secret_id: Resolvable = field(repr=False)


@dataclass(frozen=True, slots=True)
class KubernetesLogin:
    """A service account's token, read anew at each login: the kubelet replaces it."""

    mount: str
    role: str
    jwt: Resolvable = field(repr=False)


Login: TypeAlias = TokenLogin | AppRoleLogin | KubernetesLogin


@dataclass(frozen=True, slots=True)
class VaultAccess:
    """A Vault and a login. Two targets that say the same share one session."""

    address: Resolvable
    namespace: str | None
    ca: Resolvable | None
    login: Login
    timeout_s: float
    """How long one request may take."""
    keep_s: float
    """A static secret is read anew after so long."""
