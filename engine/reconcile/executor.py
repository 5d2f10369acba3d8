"""Where the shares of a full pass are read: on this machine, or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from engine.reconcile.kept_chunks import KeptChunks
from engine.reconcile.local_executor import LocalExecutor
from engine.reconcile.result import Chunk
from engine.reconcile.scan_order import ScanOrder
from engine.reconcile.settings import Settings

if TYPE_CHECKING:
    from engine.secrets.secret import Secret

Finished = Callable[[Chunk], None]


class Executor(Protocol):
    """Reads shares and keeps their chunks."""

    @property
    def workers(self) -> int:
        """How many chunks are read at a time."""

    def scan(self, orders: Sequence[ScanOrder], kept: KeptChunks, finished: Finished, look: Callable[[], None]) -> None:
        """Read the shares to their ends, and keep each chunk exactly once.

        Args:
            orders: one a share; each goes on from its own chunk.
            kept: where chunks go; each is durable before the next one of its share begins.
            finished: told of each chunk; what it raises ends the scan.
            look: called again and again; what it raises ends the scan. However it ends, nobody reads on for it.

        Raises:
            SourceUnreachable: no server answers just now; what is finished stays so.
            SourceError: the server refuses.
            StateError: a checkpoint cannot be saved.
            PassTaken: another process has the pass in hand by now.
            OperatorError: a process that read was killed, or ended early in another way.
            ClusterError: a cluster cannot be reached, or gives up on a chunk.
        """


@contextmanager
def executor_of(settings: Settings, uri: Secret) -> Iterator[Executor]:
    """The one that was asked for.

    Args:
        settings: of the pass.
        uri: the server's connection string.

    Raises:
        ClusterError: the cluster cannot be reached, or has no processor.
        ToolMissing: it is Ray's, and Ray is not installed.
        UserError: the connection string cannot be resolved, or holds a password that a cluster would see.
    """
    if settings.executor == "local":
        yield LocalExecutor(uri.reveal(), settings.workers or 1)
        return
    from engine.reconcile.ray_cluster import ray_executor  # noqa: PLC0415 - only who asks for Ray has it

    with ray_executor(settings.ray_address, uri, settings.workers) as executor:
        yield executor
