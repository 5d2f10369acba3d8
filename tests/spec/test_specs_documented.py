"""docs/specs.md has every key, and its examples are right."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from ruamel.yaml import YAML

from engine.spec.json_schema import SCHEMAS
from engine.spec.model_fields import fields_of, model_in
from engine.spec.pipeline import FieldRule
from tests.spec.test_json_schema import REPOSITORY, schema

OVERRIDES = ("source", "connector")
"""A pipeline's connector has the keys of the target's."""
PAGE = (REPOSITORY / "docs" / "specs.md").read_text(encoding="utf-8")


def keys(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Dotted paths of a model's plain keys, as the page writes them."""
    for name, info in fields_of(model).items():
        inner = model_in(info.annotation)
        if name == "fields":
            yield from keys(FieldRule, (*path, name, "<path>"))
        elif inner is None or not fields_of(inner) or (*path, name) == OVERRIDES:
            yield ".".join((*path, name))
        else:
            yield from keys(inner, (*path, name))


@pytest.mark.parametrize("model", SCHEMAS.values())
def test_the_page_has_every_key(model: type[BaseModel]) -> None:
    assert [key for key in keys(model) if f"| `{key}` |" not in PAGE] == []


def test_the_examples_of_the_page_fit_the_schemas() -> None:
    examples = re.findall(r"```yaml\n((?:target|pipeline|query):.*?)```", PAGE, flags=re.DOTALL)
    assert len(examples) == 3
    for text in examples:
        spec = YAML(typ="safe", pure=True).load(text)
        assert list(Draft202012Validator(schema(f"{next(iter(spec))}.schema.json")).iter_errors(spec)) == []


def test_a_committed_spec_names_a_schema_that_is_there() -> None:
    for path in (REPOSITORY / "specs").rglob("*.yaml"):
        named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", path.read_text(encoding="utf-8"))
        assert named, path
        assert (path.parent / named[1]).resolve().parent == REPOSITORY / "schemas"
        assert (path.parent / named[1]).is_file()


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_key_may_be_null(name: str) -> None:
    assert '"null"' not in str(schema(name)).replace("'", '"')


@pytest.mark.parametrize(
    "transport",
    [{}, {"change_stream": {}, "kafka": {"bootstrap_servers": "a:1", "connect_url": "http://c"}}],
)
def test_the_schema_knows_that_there_is_one_transport(transport: object) -> None:
    spec = {"target": "t", "mongodb": {"uri": "x"}, "lake": {"uri": "l"}, "transport": transport}
    assert not Draft202012Validator(schema("target.schema.json")).is_valid(spec)


def test_the_schema_knows_that_a_masked_field_has_no_type() -> None:
    rules = {"a": {"mask": "drop", "type": "string"}}
    spec = {"pipeline": "p", "source": {"collections": ["a.b"]}, "table": {"fields": rules}}
    assert not Draft202012Validator(schema("pipeline.schema.json")).is_valid(spec)
