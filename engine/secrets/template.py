"""Text of a spec that may hold references, unresolved until somebody uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from engine.secrets.references import resolve, vault_secrets
from engine.secrets.vault_access import VaultAccess
from engine.secrets.vaults import VAULTS


class Template(str):
    """A string as the spec has it, which knows where it is written and what its paths are relative to."""

    where: str
    """``file:line:column``; empty when it comes from no file."""
    folder: Path
    """Relative paths of ``${file:...}`` start here."""
    vault: VaultAccess | None
    """Where ``${vault:...}`` is looked up."""

    def __new__(cls, text: str, where: str = "", folder: Path = Path()) -> Self:
        """A template of this text."""
        self = super().__new__(cls, text)
        self.where, self.folder, self.vault = where, folder, None
        return self

    def resolved(self) -> str:
        """The text with its references resolved now.

        Raises:
            UnresolvedReference: a variable is not set or a file cannot be read.
            SecretsUnreachable, SecretsError: Vault does not answer, or refuses.
        """
        return resolve(self, where=self.where, folder=self.folder, vault=self.vault)

    @property
    def uses_vault(self) -> bool:
        """Whether it names a secret of Vault."""
        return bool(vault_secrets(self))

    @property
    def changes(self) -> int:
        """Another number when a secret of its Vault has changed since the last time it was asked for."""
        session = None if self.vault is None else VAULTS.known(self.vault)
        return 0 if session is None else session.changes

    @property
    def ends_at(self) -> float | None:
        """When (monotonic seconds) the first of its leases ends; None while it holds none."""
        session = None if self.vault is None else VAULTS.known(self.vault)
        ends = [] if session is None else [session.ends_at(secret) for secret in vault_secrets(self)]
        return min((end for end in ends if end is not None), default=None)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read from text and keep where it is written; dump as text, unresolved."""
        return core_schema.no_info_plain_validator_function(
            read_template,
            serialization=core_schema.plain_serializer_function_ser_schema(str.__str__),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Text that is not empty."""
        return {"type": "string", "minLength": 1}


def read_template(value: object) -> Template:
    """Take any text that is not empty.

    Raises:
        PydanticKnownError: it is none.
    """
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    if not value:
        raise PydanticKnownError("string_too_short", {"min_length": 1})
    return value if isinstance(value, Template) else Template(value)
