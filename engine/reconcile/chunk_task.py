"""What a node of a cluster does: read one chunk. It imports no more than that takes: each process begins with it."""

from __future__ import annotations

from importlib.metadata import version

from engine.errors import ClusterError
from engine.reconcile.fingerprint import CANONICAL_FORM
from engine.reconcile.scan_order import ScanOrder, scan_one
from engine.reconcile.source_scan import ScannedChunk
from engine.secrets.secret import Secret
from engine.telemetry.traces import span, tracing


def read_chunk(order: ScanOrder, uri: Secret, asked_by: str) -> ScannedChunk:
    """What a node does.

    Raises:
        ClusterError: this node has another version of oplake than the one that asks.
        UserError: the connection string cannot be resolved here.
        SourceUnreachable: no server answers from here just now.
        SourceError: the server refuses.
    """
    if this_version() != asked_by:
        raise ClusterError(
            f"a node has oplake {this_version()}, and {asked_by} asks: their digests may not compare",
            where="Ray cluster",
            remedy="install the same version on all nodes",
        )
    shared = {"oplake.share": order.share.number, "oplake.chunk": order.number}
    with tracing("oplake-reconcile"), span("chunk", [order.trace or ""], **shared) as told:
        scanned = scan_one(order, uri.reveal())
        told.tell(**{"oplake.documents": scanned.documents, "oplake.bytes": scanned.size_bytes})
    return scanned


def this_version() -> str:
    """Of oplake and of the canonical form: what has to be the same wherever a pass is read."""
    return f"{version('oplake')}, canonical form {CANONICAL_FORM}"
