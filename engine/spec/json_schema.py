"""The JSON Schemas of specs, generated from the models, for editors and other tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema

from engine.spec.pipeline import Pipeline
from engine.spec.quantities import format_duration, format_size
from engine.spec.saved_query import SavedQuery
from engine.spec.target import Target

SCHEMAS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {"target.schema.json": Target, "pipeline.schema.json": Pipeline, "query.schema.json": SavedQuery}
)
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text(name: str) -> str:
    """The text of one schema file."""
    schema: dict[str, Any] = _for_editors(SCHEMAS[name].model_json_schema(by_alias=True, schema_generator=_Generator))
    _describe_references(schema)
    return json.dumps({"$schema": _DIALECT, **schema}, indent=2, ensure_ascii=False) + "\n"


class _Generator(GenerateJsonSchema):
    """Defaults as a spec would write them."""

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - pydantic's signature
        """Durations with their unit; the rest as it is."""
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def default_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ANN401 - a core schema
        """No default where leaving the key out is the only way to have it."""
        described = super().default_schema(schema)
        if described.get("default", ...) is None:
            del described["default"]
        if _is_size(described):
            described["default"] = format_size(described["default"])
        return described

    def nullable_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ANN401 - a core schema
        """A key without a value is an error: null is nowhere allowed."""
        inner: CoreSchema = schema["schema"]
        return self.generate_inner(inner)


def _is_size(described: Mapping[str, Any]) -> bool:
    return "anyOf" in described and isinstance(described.get("default"), int)


def _for_editors(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """Without the titles that pydantic makes of names: editors would show them above the descriptions."""
    if isinstance(node, list):
        return [_for_editors(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: _for_editors(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))}


def _describe_references(schema: dict[str, Any]) -> None:
    """Describe every key where it stands: pydantic leaves it out where it says what the definition says."""
    definitions: dict[str, Any] = schema.get("$defs", {})
    for owner in (schema, *definitions.values()):
        for described in owner["properties"].values():
            if "$ref" in described:
                name = described["$ref"].removeprefix("#/$defs/")
                described.setdefault("description", definitions[name]["description"])
