"""The JSON Schemas of specs, generated from the models, for editors and other tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from engine.spec.pipeline import Pipeline
from engine.spec.target import Target

SCHEMAS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {"target.schema.json": Target, "pipeline.schema.json": Pipeline}
)
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text(name: str) -> str:
    """The text of one schema file."""
    schema: dict[str, Any] = {"$schema": _DIALECT, **SCHEMAS[name].model_json_schema(by_alias=True)}
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=False) + "\n"
