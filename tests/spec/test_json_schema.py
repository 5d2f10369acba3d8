"""The JSON Schemas that editors use say what the models say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from ruamel.yaml import YAML

from engine.spec.json_schema import SCHEMAS, schema_text

REPOSITORY = Path(__file__).parents[2]
STARTERS = sorted((REPOSITORY / "templates" / "init" / "specs").rglob("*.yaml"))

TARGET: dict[str, Any] = {"target": "local", "mongodb": {"uri": "mongodb://h"}, "lake": {"uri": "lake"}}
PIPELINE: dict[str, Any] = {"pipeline": "users", "source": {"collections": ["shop.users"]}}

WRONG = {
    "an unknown key": {"colour": "red"},
    "an unknown key below": {"table": {"colour": "red"}},
    "an unknown mode": {"table": {"mode": "latest"}},
    "an unknown conflict rule": {"table": {"on_conflict": "ignore"}},
    "an unknown mask": {"table": {"fields": {"a": {"mask": "md5"}}}},
    "an unknown type": {"table": {"fields": {"a": {"type": "varchar"}}}},
    "an unknown shape": {"table": {"fields": {"a": {"as": "list"}}}},
    "a duration without a unit": {"table": {"fold": {"every": "60"}}},
    "a duration as a number": {"table": {"fold": {"every": 60}}},
    "a size in an unknown unit": {"batch": {"max_bytes": "64MB"}},
    "no rows in a batch": {"batch": {"max_rows": 0}},
    "too many rows in a batch": {"batch": {"max_rows": 100_000_000}},
    "rows as text": {"batch": {"max_rows": "50"}},
    "rows as true": {"batch": {"max_rows": True}},
    "a name with a capital": {"pipeline": "Users"},
    "a name with a dash": {"pipeline": "my-users"},
    "a name that is too long": {"pipeline": "u" * 64},
    "a name that is a number": {"pipeline": 5},
    "no collections": {"source": {"collections": []}},
    "collections as text": {"source": {"collections": "shop.users"}},
    "a source without collections": {"source": {}},
    "an unknown snapshot": {"source": {"collections": ["a.b"], "snapshot": "always"}},
    "a table name with a capital": {"table": {"name": "Users"}},
}
RIGHT = {
    "nothing more": {},
    "placeholders": {"table": {"name": "{pipeline}_{database}_{collection}"}},
    "nested types": {"table": {"fields": {"a.b": {"type": "list<map<double>>"}}}},
    "a map": {"table": {"fields": {"a": {"as": "map"}}}},
    "every key of a table": {
        "table": {
            "mode": "history",
            "partition_by": ["_ingestion_date"],
            "on_conflict": "widen",
            "fold": {"every": "500ms"},
            "maintenance": {"optimize": "weekly", "z_order": ["a"], "vacuum": {"retain": "30d"}},
        }
    },
    "bounds": {"batch": {"max_rows": 10, "max_bytes": "1GiB", "max_age": "5m"}},
}


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(schema_text(name))
    return loaded


def accepts_schema(name: str, data: object) -> bool:
    return Draft202012Validator(schema(name)).is_valid(data)


def accepts_model(name: str, data: object) -> bool:
    try:
        SCHEMAS[name].model_validate(data)
    except ValidationError:
        return False
    return True


def properties(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of a schema, those of its definitions too; with what it refers to, as an editor shows it."""
    whole = schema(name)
    definitions = whole.get("$defs", {})
    for title, part in {"": whole, **definitions}.items():
        for key, value in part.get("properties", {}).items():
            referred = definitions[value["$ref"].rpartition("/")[2]] if "$ref" in value else {}
            yield f"{title}.{key}", referred | value


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_committed_schema_is_the_one_the_models_give(name: str) -> None:
    assert (REPOSITORY / "schemas" / name).read_text(encoding="utf-8") == schema_text(name)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_valid_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_and_every_part_is_described(name: str) -> None:
    assert [key for key, value in properties(name) if not value.get("description")] == []
    assert [title for title, part in schema(name).get("$defs", {}).items() if not part.get("description")] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_mapping_with_fixed_keys_refuses_others(name: str) -> None:
    whole = schema(name)
    parts = [whole, *whole.get("$defs", {}).values()]
    assert all(part["additionalProperties"] is False for part in parts if "properties" in part)


@pytest.mark.parametrize("path", STARTERS, ids=lambda path: path.stem)
def test_the_starter_specs_fit_their_schema(path: Path) -> None:
    name = "target.schema.json" if path.parent.name == "targets" else "pipeline.schema.json"
    assert f"schemas/{name}" in path.read_text(encoding="utf-8").splitlines()[0]
    data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    assert accepts_schema(name, data)


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_the_models_refuse_the_schema_refuses(change: dict[str, Any]) -> None:
    data = PIPELINE | change
    assert not accepts_model("pipeline.schema.json", data)
    assert not accepts_schema("pipeline.schema.json", data)


@pytest.mark.parametrize("change", RIGHT.values(), ids=RIGHT)
def test_what_the_models_take_the_schema_takes(change: dict[str, Any]) -> None:
    data = PIPELINE | change
    assert accepts_model("pipeline.schema.json", data)
    assert accepts_schema("pipeline.schema.json", data)


@pytest.mark.parametrize("key", ["target", "mongodb", "lake"])
def test_a_target_needs_a_name_a_mongodb_and_a_lake(key: str) -> None:
    data = {name: value for name, value in TARGET.items() if name != key}
    assert accepts_schema("target.schema.json", TARGET)
    assert not accepts_schema("target.schema.json", data)
    assert not accepts_model("target.schema.json", data)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_default_is_a_value_that_the_key_may_have(name: str) -> None:
    """An editor writes the default out, so it has to be one that validates."""
    definitions = schema(name).get("$defs", {})
    wrong = [
        key
        for key, value in properties(name)
        if "default" in value and not Draft202012Validator({"$defs": definitions, **value}).is_valid(value["default"])
    ]
    assert wrong == []
