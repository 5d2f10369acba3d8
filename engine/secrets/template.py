"""Text of a spec that may hold references, unresolved until somebody uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from engine.secrets.references import resolve


class Template(str):
    """A string as the spec has it, which knows where it is written and what its paths are relative to."""

    where: str
    """``file:line:column``; empty when it comes from no file."""
    folder: Path
    """Relative paths of ``${file:...}`` start here."""

    def __new__(cls, text: str, where: str = "", folder: Path = Path()) -> Self:
        """A template of this text."""
        self = super().__new__(cls, text)
        self.where, self.folder = where, folder
        return self

    def resolved(self) -> str:
        """The text with its references resolved now.

        Raises:
            UnresolvedReference: a variable is not set or a file cannot be read.
        """
        return resolve(self, where=self.where, folder=self.folder)

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
