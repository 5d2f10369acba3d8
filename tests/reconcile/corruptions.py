"""Ways in which a table can come to tell something else than its collection, and a plan of many of them at random."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.reconcile.verdict import Verdict

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way; ``change`` makes of a row the rows that stand in its place."""

    verdict: Verdict
    change: Callable[[Row, int], Iterable[Row]] | None
    """Given the row and a number at random, up to 2^31; None: the row as it was before its document's last change."""
    difference: tuple[str, str] | None = None
    """Path and kind, of a mismatch."""
    identity: str = "{}"
    """Of the document that is reported, from the row's own."""


def document(number: int, late: int = 0) -> Row:
    """What the collection holds; ``late`` counts the changes after the first."""
    return {
        "_id": f"d{number:05d}",
        "n": number + late,
        "zero": 0.0,
        "code": str(number),
        "count": number,
        "nothing": None,
        "ratio": 5,
        "deep": {"a": [1.5, 2.5, float(number)], "b": {"c": f"text {number}", "d": [{"e": number}]}},
    }


def _bent(row: Row, number: int) -> Iterator[Row]:
    deep = row["deep"]
    inner = deep["b"]
    yield {**row, "deep": {**deep, "b": {**inner, "d": [{"e": inner["d"][0]["e"] ^ 1 + number % 1000}]}}}


def _noted(row: Row, **notes: str) -> str:
    body = ",".join(f'"{name}":{value}' for name, value in notes.items())
    return "{" + body + "," + row["_rescued"][1:]


CORRUPTIONS: Mapping[str, Corruption] = {
    "row deleted": Corruption(Verdict.MISSING, lambda _, __: ()),
    "row added": Corruption(Verdict.EXTRA, lambda row, _: [row, {**row, "_id": f"x{row['_id']}"}], identity="x{}"),
    "nested field bent": Corruption(Verdict.MISMATCH, _bent, ("deep.b.d.0.e", "value")),
    "number become its own text": Corruption(
        Verdict.MISMATCH,
        lambda row, _: [{**row, "count": None, "_rescued": _noted(row, count=f'"{row["count"]}"')}],
        ("count", "type"),
    ),
    "text become the number it reads as": Corruption(
        Verdict.MISMATCH,
        lambda row, _: [{**row, "code": None, "_rescued": _noted(row, code=f'{{"$numberInt":"{row["code"]}"}}')}],
        ("code", "type"),
    ),
    "null become missing": Corruption(
        Verdict.MISMATCH,
        lambda row, _: [{**row, "_rescued": row["_rescued"].replace('"nothing":null,', "")}],
        ("nothing", "missing_field"),
    ),
    "missing become null": Corruption(
        Verdict.MISMATCH,
        lambda row, _: [{**row, "_rescued": _noted(row, absent="null")}],
        ("absent", "extra_field"),
    ),
    "zero become negative": Corruption(Verdict.MISMATCH, lambda row, _: [{**row, "zero": -0.0}], ("zero", "value")),
    "extra field": Corruption(
        Verdict.MISMATCH,
        lambda row, number: [{**row, "spare": number}],
        ("spare", "extra_field"),
    ),
    "row twice": Corruption(Verdict.DUPLICATE, lambda row, _: [row, row]),
    "late update lost": Corruption(Verdict.MISMATCH, None, ("n", "value")),
    "column bent beside its note": Corruption(
        Verdict.MISMATCH,
        lambda row, number: [{**row, "ratio": row["ratio"] + 1.0 + number % 100}],
        ("ratio", "column"),
    ),
}


def drawn(ids: list[str], count: int, seed: int) -> Mapping[str, Corruption]:
    """So many documents at random, each with one corruption; every kind about as often as any other."""
    chance = random.Random(seed)  # noqa: S311  repeats
    kinds = list(CORRUPTIONS.values())
    return {one: kinds[place % len(kinds)] for place, one in enumerate(chance.sample(ids, count))}


def corrupted(rows: list[Row], before: Mapping[str, Row], plan: Mapping[str, Corruption], seed: int) -> Iterator[Row]:
    """The rows, with what a plan does to them."""
    chance = random.Random(seed)  # noqa: S311  repeats
    for row in rows:
        corruption = plan.get(row["_id"])
        if corruption is None:
            yield row
        elif corruption.change is None:
            yield before[row["_id"]]
        else:
            yield from corruption.change(row, chance.randrange(1 << 31))
