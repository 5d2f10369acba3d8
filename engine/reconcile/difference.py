"""Where a row tells another document than the collection has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.decode import extended_json
from engine.decode.bson_documents import decode_documents
from engine.decode.exact_bson import write_exactly
from engine.decode.masks import apply_masks
from engine.decode.rebuild import rebuild, rebuild_bytes
from engine.decode.rescue import join_path
from engine.decode.rules import DecodeRules
from engine.decode.values import BsonValue
from engine.spec.types import Struct

_GONE = object()


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One place at which the two differ."""

    path: str
    source: Any
    table: Any
    kind: str

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"path": self.path, "source": self.source, "table": self.table, "kind": self.kind}


def differences(
    source_document: bytes, row: Mapping[str, Any], columns: Struct, rules: DecodeRules
) -> tuple[FieldDifference, ...]:
    """All places at which a row differs from its document; none when they tell the same."""
    source = decode_documents([source_document]).documents[0]
    apply_masks([source], rules.masks, rules.map_paths)
    exact = write_exactly(source) if rules.masks else source_document
    if exact == rebuild_bytes(row, columns):
        return ()
    return tuple(_compare(None, source, rebuild(row, columns))) or (FieldDifference("", None, None, "bytes"),)


def _compare(path: str | None, source: BsonValue, table: BsonValue) -> Iterator[FieldDifference]:
    if isinstance(source, dict) and isinstance(table, dict):
        for name in dict.fromkeys([*source, *table]):
            yield from _compare(join_path(path, name), source.get(name, _GONE), table.get(name, _GONE))
        if set(source) == set(table) and list(source) != list(table):
            yield FieldDifference(path or "", list(source), list(table), "order")
    elif isinstance(source, list) and isinstance(table, list) and len(source) == len(table):
        for number, (one, other) in enumerate(zip(source, table, strict=True)):
            yield from _compare(join_path(path, str(number)), one, other)
    elif (shown := _shown(source)) != (other := _shown(table)):
        kind = "missing" if other is None else "extra" if shown is None else "value"
        yield FieldDifference(path or "", shown, other, kind)


def _shown(value: BsonValue) -> str | None:
    return None if value is _GONE else extended_json.dumps(value)
