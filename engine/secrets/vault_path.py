"""What follows ``vault:`` in a reference: ``MOUNT/PATH#FIELD``, or ``MOUNT/PATH?version=N#FIELD``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SEGMENT = r"[A-Za-z0-9_.@-]+"
_FORM = re.compile(rf"(?P<path>{_SEGMENT}(?:/{_SEGMENT})+)(?:\?version=(?P<version>[1-9][0-9]{{0,8}}))?#(?P<field>.+)")


@dataclass(frozen=True, slots=True)
class SecretPath:
    """One secret of a Vault: all of its fields come with one answer."""

    path: str
    """As ``vault kv get`` and ``vault read`` take it: mount and path."""
    version: int | None = None
    """Of a KV secret; None: the newest."""

    def __str__(self) -> str:
        return self.path if self.version is None else f"{self.path}?version={self.version}"


def read_vault_name(name: str) -> tuple[SecretPath, str] | None:
    """The secret and the field that a reference names; None when it is not of the form."""
    found = _FORM.fullmatch(name)
    if found is None or any(set(part) == {"."} for part in found["path"].split("/")):
        return None
    version = found["version"]
    return SecretPath(found["path"], int(version) if version else None), found["field"]
