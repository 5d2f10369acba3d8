"""Reads shares on the nodes of a Ray cluster: a task is one chunk, and what it gives back is the chunk's spilled file.

Nodes read and digest, and keep nothing. Files and checkpoints stay with the process that leads the pass, as they do
without a cluster; so a pass goes on with ``resume`` whichever executor began it. A task says where its chunk begins, so
it may run as often as nodes are lost: the leader keeps one result of it, and only then asks for the next of the share.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.errors import ClusterError, OplakeError
from engine.reconcile.chunk_task import read_chunk, this_version
from engine.reconcile.kept_chunks import KeptChunks
from engine.reconcile.result import Chunk
from engine.reconcile.scan_order import ScanOrder
from engine.reconcile.source_scan import ScannedChunk
from engine.secrets.secret import Secret

if TYPE_CHECKING:
    from ray import ObjectRef

RETRIES = 4
"""How often a chunk whose node or process was lost is run again before the pass ends."""
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class RayExecutor:
    """Of a cluster that this process is connected to."""

    address: str
    uri: Secret = field(repr=False)
    """Sent as it stands in the spec: each node resolves its references itself."""
    workers: int

    def scan(
        self,
        orders: Sequence[ScanOrder],
        kept: KeptChunks,
        finished: Callable[[Chunk], None],
        look: Callable[[], None],
    ) -> None:
        """See ``Executor``."""
        import ray  # noqa: PLC0415 - only who asks for Ray has it

        waiting = deque(orders)
        under_way: dict[ObjectRef[ScannedChunk], ScanOrder] = {}
        while waiting or under_way:
            while waiting and len(under_way) < self.workers:
                order = waiting.popleft()
                under_way[self._submitted(order)] = order
            done, _ = ray.wait(list(under_way), timeout=_LOOK_EVERY_S)
            look()
            for one in done:
                order = under_way.pop(one)
                scanned = self._result(one, order)
                finished(kept.keep(order.share.number, scanned))
                if not scanned.is_last:
                    waiting.appendleft(replace(order, after=scanned.last_key, number=scanned.number + 1))

    def _submitted(self, order: ScanOrder) -> ObjectRef[ScannedChunk]:
        import ray  # noqa: PLC0415 - see scan

        # One result, not one for the file and one for where it ends: a task that runs again may end elsewhere.
        task = ray.remote(read_chunk).options(
            name="oplake reconcile", num_cpus=1, max_retries=RETRIES, scheduling_strategy="SPREAD"
        )
        return task.remote(order, self.uri, this_version())

    def _result(self, one: ObjectRef[ScannedChunk], order: ScanOrder) -> ScannedChunk:
        import ray  # noqa: PLC0415 - see scan
        from ray.exceptions import RayError, RayTaskError  # noqa: PLC0415

        try:
            return ray.get(one)
        except RayTaskError as error:
            cause = error.cause
            if not isinstance(cause, OplakeError):
                raise
            place = f"a node of Ray cluster {self.address}"
            cause.where = f"{place}, {cause.where}" if cause.where else place
            raise cause from None
        except RayError as error:
            raise ClusterError(
                f"chunk {order.number} of share {order.share.number} of {order.namespace} was lost with the node or "
                f"process that read it, {RETRIES + 1} times ({type(error).__name__})",
                where=f"Ray cluster {self.address}",
                remedy="`ray status` and the logs of its nodes tell why; what is finished is kept: add --resume",
            ) from error
