"""One share of a collection as work: all that whoever reads it has to know, wherever that is."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from pymongo.read_preferences import make_read_preference

from engine.decode.rules import DecodeRules
from engine.reconcile.digests import Digester
from engine.reconcile.documents import Documents
from engine.reconcile.share import Share
from engine.reconcile.source_scan import ChunkLimits, ScannedChunk, scan_share
from engine.reconcile.throttle import Throttle
from engine.source.cluster_time import unpack
from engine.source.probe import connect
from engine.spec.types import Struct

PREFERENCES = ("primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest")


@dataclass(frozen=True, slots=True)
class ScanOrder:
    """What to read of a collection and how; not the way to its server, which holds a password."""

    namespace: str
    preference: str
    share: Share
    not_before: int
    """Packed cluster time: nothing older is read."""
    rules: DecodeRules
    columns: Struct
    key: bytes = field(repr=False)
    """Of the digests."""
    buckets: int
    limits: ChunkLimits
    bytes_a_second: float | None
    trace: str | None = None
    """What its span is below, as a W3C ``traceparent``."""
    after: bytes | None = None
    """``{"_id": ...}`` as BSON: the chunk begins behind this document; None: where the share begins."""
    number: int = 0
    """Of the chunk, in its share."""


def go_on() -> None:
    """What a reading asks that nobody stops."""


def scan(order: ScanOrder, uri: str, look: Callable[[], None] = go_on) -> Generator[ScannedChunk]:
    """The chunks of a share from the order's on.

    Args:
        order: what to read.
        uri: the server's connection string.
        look: called after each batch of documents, and while a limit of the rate is waited for; what it raises ends it.

    Raises:
        SourceUnreachable: no server answers just now.
        SourceError: the server refuses.
    """
    with connect(uri) as client:
        documents = Documents(client, order.namespace, preference(order.preference))
        with client.start_session(causal_consistency=True) as session:
            session.advance_operation_time(unpack(order.not_before))
            yield from scan_share(
                documents.collection,
                session,
                order.share,
                Digester(order.rules, order.columns, order.key),
                order.buckets,
                order.limits,
                Throttle(order.bytes_a_second, look),
                order.after,
                order.number,
            )


def scan_one(order: ScanOrder, uri: str) -> ScannedChunk:
    """The order's chunk alone; arguments and errors as for ``scan``."""
    with closing(scan(order, uri)) as chunks:
        return next(chunks)


def preference(name: str) -> Any:  # noqa: ANN401  pymongo has no public name for it
    """A read preference by its name in connection strings."""
    return make_read_preference(PREFERENCES.index(name), None)
