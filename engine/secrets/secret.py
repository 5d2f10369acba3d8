"""A value of a spec that may hold secrets: shown nowhere, resolved only when it is used."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from engine.secrets.references import references
from engine.secrets.template import Template, read_template

MASK = "***"


class Secret:
    """Text of a spec with its references unresolved.

    Only text that is nothing but one reference is shown (``${env:NAME}``): it holds no secret itself.
    """

    __slots__ = ("_template",)

    def __init__(self, template: str) -> None:
        self._template = template if isinstance(template, Template) else Template(template)

    def reveal(self) -> str:
        """The value, with its references resolved now.

        Raises:
            UnresolvedReference: a variable is not set or a file cannot be read; says where the spec names it.
        """
        return self._template.resolved()

    def digest(self) -> str:
        """Twelve hexadecimal digits that change when the value does, for plans.

        What Vault holds is left out: credentials that it changes are no change of the project.

        Raises:
            UnresolvedReference: a variable is not set or a file cannot be read.
        """
        text = str.__str__(self._template) if self._template.uses_vault else self.reveal()
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def template(self) -> Template:
        """The text, unresolved: it may hold a password and is never shown."""
        return self._template

    def __str__(self) -> str:
        found = list(references(self._template))
        is_one_reference = len(found) == 1 and found[0].text == self._template and found[0].default is None
        return str(self._template) if is_one_reference else MASK

    def __repr__(self) -> str:
        return f"Secret({self})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._template == other._template

    def __hash__(self) -> int:
        return hash(self._template)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read from text, dump masked."""
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls(read_template(value)),
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Text that is not empty, for editors."""
        return {"type": "string", "minLength": 1}
