"""The short way from a message to its change gives what ``parse_message`` gives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.source import plain_changes
from engine.source.debezium import Change, parse_message
from engine.source.plain_changes import parser
from tests.source.debezium_messages import recorded

NAMESPACE = "shop.types"
IMAGE = '{"_id": {"$oid": "6b04cc3dcc306fea304c1c34"},"n": "\\"é漢\\ud83d\\ude42"}'
SOURCE = {"ts_ms": 1_795_476_766_686, "ord": 6, "db": "shop", "collection": "types", "wallTime": 1_795_476_766_686}
PLAIN = {"before": None, "after": IMAGE, "source": SOURCE, "op": "c", "transaction": None}


def as_value(message: Any) -> bytes:  # noqa: ANN401 - whatever JSON holds
    return json.dumps(message).encode()


def test_every_recorded_message_gives_the_same_both_ways() -> None:
    found = [message for message in recorded() if "shop.types" in message.topic]
    parse = parser(NAMESPACE)
    assert [parse(one.key, one.value) for one in found] == [
        parse_message(one.key, one.value, NAMESPACE) for one in found
    ]


@pytest.mark.parametrize(
    "changed",
    [
        *({"op": operation} for operation in ("r", "c", "u")),
        *({"op": operation} for operation in ("d", "x", None, 5)),
        {"after": None},
        {"after": "{"},
        {"after": IMAGE[:-1]},
        {"after": IMAGE + " "},
        {"after": '{"_id": 5}'},
        {"after": '{"_id": {"$oid": "6B04CC3DCC306FEA304C1C34"}}'},
        {"after": 5},
        {"before": IMAGE},
        {"before": "{", "op": "u"},
        {"transaction": {"id": "1", "total_order": 7}},
        *(
            {"source": SOURCE | other}
            for other in ({"db": "shops"}, {"collection": "Types"}, {"ord": -1}, {"ord": "1"})
        ),
        *(
            {"source": SOURCE | other}
            for other in ({"wallTime": None}, {"wallTime": 1}, {"ts_ms": None}, {"ts_ms": -1})
        ),
        {"source": {"ts_ms": 5}},
        {"source": None},
        {"op": "u", "unknown": [1, 2]},
    ],
)
@pytest.mark.parametrize("key", [b'{"id":"5"}', b"", None, b"no json"])
def test_whatever_a_message_looks_like_it_gives_the_same_both_ways(changed: dict[str, Any], key: bytes | None) -> None:
    value = as_value(PLAIN | changed)
    assert parser(NAMESPACE)(key, value) == parse_message(key, value, NAMESPACE)


@pytest.mark.parametrize("value", [None, b"", b"{", b"\0\1", as_value({"schema": {}, "payload": PLAIN}), b"[" * 9000])
def test_what_is_no_plain_message_gives_the_same_both_ways(value: bytes | None) -> None:
    assert parser(NAMESPACE)(b'{"id":"5"}', value) == parse_message(b'{"id":"5"}', value, NAMESPACE)


@pytest.mark.parametrize("operation", ["r", "c", "u"])
def test_a_plain_message_takes_the_short_way(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_changes, "parse_message", lambda *_: pytest.fail("the long way"))
    change = parser(NAMESPACE)(b"key", as_value(PLAIN | {"op": operation}))
    assert isinstance(change, Change)
    assert change.document == IMAGE.encode()
