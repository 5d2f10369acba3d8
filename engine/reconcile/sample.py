"""Documents drawn at random from both sides, and what they say of the whole."""

from __future__ import annotations

import heapq
import math
import random
from typing import Any

from pymongo.collection import Collection

from engine.reconcile.documents import text_of
from engine.reconcile.table_side import TableSide


def sample_size(confidence: float, rate: float) -> int:
    """How many must be equal to rule out, with a confidence, that more than this share of all differ."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - rate))


def sampled_documents(collection: Collection[Any], count: int) -> set[str]:
    """``_id`` texts of documents that the server draws."""
    pipeline: list[dict[str, Any]] = [{"$sample": {"size": count}}, {"$project": {"_id": 1}}]
    return {text_of(bytes(found.raw)) for found in collection.aggregate(pipeline)}


def sampled_rows(side: TableSide, count: int, chance: random.Random) -> set[str]:
    """``_id`` texts of rows, each row as likely as any other."""
    drawn: list[tuple[float, str]] = []
    for ids in side.ids():
        for text in ids.to_pylist():
            ticket = (chance.random(), text)
            if len(drawn) < count:
                heapq.heappush(drawn, ticket)
            else:
                heapq.heappushpop(drawn, ticket)
    return {text for _, text in drawn}


def statement(confidence: float, rate: float, drawn: int) -> str:
    """What a clean sample says."""
    return (
        f"{drawn:,} drawn and equal: with {confidence:.4g} confidence fewer than {rate:.4%} of the documents, and of "
        "the rows, differ"
    )
