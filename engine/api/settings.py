"""How one service is set up: by the options of ``oplake serve``, or by variables where Gunicorn starts it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from engine.errors import UsageError

PREFIX = "OPLAKE_API_"


@dataclass(frozen=True, slots=True)
class Settings:
    """One project, one target. Every field is the variable ``OPLAKE_API_<FIELD>``; times are seconds."""

    project: Path = Path()
    """Folder that holds ``specs/``."""
    target: str = ""
    """Empty: the one that the pipelines name, or the only one."""
    specs: str = "git"
    """Who owns the specs: ``git`` refuses writes, ``api`` takes them."""
    auth: str = "on"
    """``off`` answers everybody as an admin, on loopback addresses only."""
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_jwks: str = ""
    """Address of the provider's key set. Empty: only API keys are taken."""
    oidc_roles: str = "roles"
    """The claim that lists ``viewer``, ``operator`` or ``admin``."""
    per_key: str = "6000/minute"
    per_address: str = "12000/minute"
    failures_per_address: str = "30/minute"
    limits_storage: str = "memory://"
    """Where requests are counted; a redis:// address counts for several processes together."""
    request_s: float = 30.0
    max_body: int = 1 << 20
    """Bytes."""
    fresh_s: float = 2.0
    """How old what is told of tables may be before it is looked at again."""
    query_memory: str = "512MB"
    query_s: float = 30.0
    query_rows: int = 100_000
    queries_at_once: int = 2

    def __post_init__(self) -> None:
        for name, known in (("specs", ("git", "api")), ("auth", ("on", "off"))):
            if getattr(self, name) not in known:
                raise UsageError(f"{name} is {getattr(self, name)!r}", where=name, remedy=f"write {' or '.join(known)}")
        if self.oidc_jwks and not (self.oidc_issuer and self.oidc_audience):
            raise UsageError(
                "tokens of a provider are checked against its issuer and our audience, and one is missing",
                where=f"{PREFIX}OIDC_ISSUER, {PREFIX}OIDC_AUDIENCE",
                remedy="set both",
            )

    @property
    def target_name(self) -> str | None:
        """As ``--target`` has it."""
        return self.target or None

    def environment(self) -> dict[str, str]:
        """The variables that say the same."""
        return {f"{PREFIX}{one.name.upper()}": str(getattr(self, one.name)) for one in fields(self)}


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings that the variables give.

    Raises:
        UsageError: one of them is wrong.
    """
    types = get_type_hints(Settings)
    given: dict[str, Any] = {}
    for one in fields(Settings):
        variable = f"{PREFIX}{one.name.upper()}"
        if variable not in environment:
            continue
        try:
            given[one.name] = types[one.name](environment[variable])
        except ValueError:
            raise UsageError(f"{environment[variable]!r} is no number", where=variable) from None
    return Settings(**given)
