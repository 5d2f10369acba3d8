"""The order of a document's fields, kept where the order of the columns does not tell it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from engine.decode.keeper import Keeper
from engine.decode.place import Place
from engine.decode.values import Document

_ID = "_id"
_MERGED_SHAPES = 64
"""Orders beyond the most frequent ones only add names: merging thousands would cost more than it tells."""


def merged_order(shapes: Sequence[Sequence[str]]) -> dict[str, None]:
    """All field names, in an order that agrees with as many of the documents' own orders as one can.

    Args:
        shapes: the distinct field orders, the most frequent first.
    """
    merged: list[str] = []
    for shape in shapes[:_MERGED_SHAPES]:
        at = 0
        for name in shape:
            if name in merged:
                at = merged.index(name) + 1
            else:
                merged.insert(at, name)
                at += 1
    return dict.fromkeys(chain(merged, *shapes[_MERGED_SHAPES:]))


def keep_field_order(
    documents: Sequence[Document],
    shapes: Iterable[Sequence[str]],
    columns: Sequence[str],
    place: Place,
    keeper: Keeper,
) -> None:
    """Note the field order of each document that ``rebuild`` could not tell from the columns.

    ``shapes`` are the distinct field orders among the documents: each is judged once.
    """
    ranks = {name: rank for rank, name in enumerate(columns)}
    if place.depth == 0:
        ranks[_ID] = -1
    untellable = {shape for shape in shapes if not _is_told_by(ranks, shape)}
    if not untellable:
        return
    for index, document in enumerate(documents):
        shape = tuple(document)
        if shape in untellable:
            keeper.keep_order(index, shape, place)


def _is_told_by(ranks: Mapping[str, int], shape: Sequence[str]) -> bool:
    """Columns in column order, then at most one field without a column.

    With two, a column that one of them gets later would come to stand before the other.
    """
    known = [ranks[name] for name in shape if name in ranks]
    extras = len(shape) - len(known)
    return extras <= 1 and (not extras or shape[-1] not in ranks) and known == sorted(known)
