"""What real collections hold besides tidy documents: each function bends one document, in place.

A case that finds no field to bend says so, and ``bend`` falls back on an explicit null.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import Random
from types import UnionType
from typing import TypeAlias

from bson.binary import Binary
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.regex import Regex

from engine.datagen.kind import Document

EdgeCase: TypeAlias = Callable[[Document, Random], bool]
"""Bends the document and says whether it could."""

UNICODE = (
    "Zoë Ångström",
    "東京都 渋谷区",
    "مرحبا بالعالم",
    "👩‍👩‍👧‍👦 family",
    "e\u0301 combining",
    "zero\u200bwidth",
    "nul\u0000inside",
    "\ufeffmarked",
    'quote " comma , line\nbreak',
    "",
)
FAR_DATES_MS = (-62_135_596_800_000, -2_208_988_800_000, -1, 0, 253_402_300_799_999)
"""The first and the last millisecond that most drivers can read (years 1 and 9999), 1900, and around 1970."""

ODD_KEYS = ("with space", "with.dot", "ünïcode", "\ufeffmarked", "UPPER", "a" * 120)
ODD_INNER_KEYS = ("$dollar", "with.dot", "", " ", "0", "select")
DECIMALS = ("12345678901234567890.1234567890", "1E+40", "0.12345678901", "NaN", "-0", "Infinity")
DOUBLES = (float("nan"), float("inf"), float("-inf"), -0.0, 1e308, 5e-324)


def bend(document: Document, random: Random) -> None:
    """Make one edge case of ``document``, all cases as likely; one without fields stays as it is."""
    if not document.keys() - {"_id"}:
        return
    case = random.choice(EDGE_CASES)
    if not case(document, random):
        explicit_null(document, random)


def missing_field(document: Document, random: Random) -> bool:
    """One field is not there."""
    del document[_pick(document, random)]
    return True


def explicit_null(document: Document, random: Random) -> bool:
    """One field is null, which is not the same as missing."""
    document[_pick(document, random)] = None
    return True


def number_as_text(document: Document, random: Random) -> bool:
    """``"12.50"`` where a number belongs."""
    return _replace(document, random, int | float | Decimal128, f"{random.randrange(10_000)}.50")


def fraction_in_integer(document: Document, random: Random) -> bool:
    """2.5 where an integer belongs."""
    return _replace(document, random, int, random.randrange(100) + 0.5)


def long_integer(document: Document, random: Random) -> bool:
    """An int64 above 2^53 where a smaller number belongs."""
    return _replace(document, random, int | float, Int64(2**53 + random.randrange(2**62)))


def odd_decimal(document: Document, random: Random) -> bool:
    """A Decimal128 where a number belongs, some beyond decimal(38,10)."""
    return _replace(document, random, int | float | Decimal128, Decimal128(random.choice(DECIMALS)))


def odd_double(document: Document, random: Random) -> bool:
    """NaN, an infinity, -0.0 or an extreme where a double belongs."""
    return _replace(document, random, float, random.choice(DOUBLES))


def date_as_text(document: Document, random: Random) -> bool:
    """An ISO 8601 string where a date belongs."""
    return _replace(document, random, datetime, f"2023-0{random.randrange(1, 10)}-17T10:00:00Z")


def far_date(document: Document, random: Random) -> bool:
    """A date on the edge of what languages can hold."""
    return _replace(document, random, datetime, DatetimeMS(random.choice(FAR_DATES_MS)))


def number_in_text(document: Document, random: Random) -> bool:
    """An int32 where text belongs."""
    return _replace(document, random, str, random.randrange(1000))


def odd_text(document: Document, random: Random) -> bool:
    """Unicode, control characters, or nothing at all, where text belongs."""
    return _replace(document, random, str, random.choice(UNICODE))


def text_as_bool(document: Document, random: Random) -> bool:
    """``"yes"`` where a bool belongs."""
    return _replace(document, random, bool, random.choice(("yes", "no", "true")))


def empty_array(document: Document, random: Random) -> bool:
    """``[]`` where anything else belongs."""
    document[_pick(document, random)] = []
    return True


def empty_document(document: Document, random: Random) -> bool:
    """``{}`` where anything else belongs."""
    document[_pick(document, random)] = {}
    return True


def mixed_array(document: Document, random: Random) -> bool:
    """An array whose elements share no type, one of them an array."""
    document["notes"] = [random.randrange(100), "text", None, 2.5, [1, "a"], {"deep": True}]
    return True


def odd_key(document: Document, random: Random) -> bool:
    """A key that no column would like, at the top or one level down."""
    document[random.choice(ODD_KEYS)] = random.randrange(100)
    document["extra"] = {random.choice(ODD_INNER_KEYS): "value", "plain": random.randrange(100)}
    return True


def twin_key(document: Document, random: Random) -> bool:
    """``Name`` beside ``name``: two keys that differ in case only."""
    name = _pick(document, random)
    document[name.capitalize()] = f"twin of {name}"
    return True


def rare_types(document: Document, random: Random) -> bool:
    """Binary, UUID and regular expressions in a new field."""
    document["attachment"] = {
        "bytes": Binary(random.randbytes(12)),
        "uuid": Binary(random.randbytes(16), 4),
        "pattern": Regex("^a.*b$", "i"),
    }
    return True


def deep_nesting(document: Document, random: Random) -> bool:
    """Twenty levels of documents in a new field."""
    inner: Document = {"leaf": random.randrange(100)}
    for _ in range(20):
        inner = {"next": inner}
    document["chain"] = inner
    return True


EDGE_CASES: tuple[EdgeCase, ...] = (
    missing_field,
    explicit_null,
    number_as_text,
    fraction_in_integer,
    long_integer,
    odd_decimal,
    odd_double,
    date_as_text,
    far_date,
    number_in_text,
    odd_text,
    text_as_bool,
    empty_array,
    empty_document,
    mixed_array,
    odd_key,
    twin_key,
    rare_types,
    deep_nesting,
)


def _pick(document: Document, random: Random) -> str:
    """A field other than ``_id``."""
    return random.choice([name for name in document if name != "_id"])


def _replace(document: Document, random: Random, wanted: type | UnionType, value: object) -> bool:
    """Put ``value`` where a value of the types ``wanted`` stands; a bool counts as a bool only."""
    names = [
        name
        for name, old in document.items()
        if name != "_id" and isinstance(old, wanted) and (wanted is bool or not isinstance(old, bool))
    ]
    if not names:
        return False
    document[random.choice(names)] = value
    return True
