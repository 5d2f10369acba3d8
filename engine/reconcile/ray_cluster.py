"""The way to a Ray cluster, and what is refused before anything is sent there."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import ClusterError, ToolMissing, UserError
from engine.reconcile.ray_executor import RayExecutor
from engine.secrets.references import references
from engine.secrets.secret import Secret

_CONNECT_TIMEOUT_S = 10.0
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_PASSWORD = re.compile(r"://[^/?@]*:[^/?@]+@")


@contextmanager
def ray_executor(address: str, uri: Secret, workers: int | None) -> Iterator[RayExecutor]:
    """Connect to a cluster that runs.

    Args:
        address: of its head, ``host:6379``; ``auto`` for the one that this machine belongs to.
        uri: the connection string of the server that holds the collection.
        workers: chunks at a time; None: as many as the cluster has processors now.

    Raises:
        ClusterError: it cannot be reached, or has no processor.
        ToolMissing: Ray is not installed.
        UserError: the connection string holds a password, not a reference to one.
    """
    _require_reference(uri)
    try:
        import ray  # noqa: PLC0415 - only who asks for Ray has it
    except ModuleNotFoundError as error:
        raise ToolMissing(
            "Ray is not installed", where="--executor ray", remedy="pip install 'oplake[ray]', here and on all nodes"
        ) from error
    _require_answer(address)
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False, logging_level=logging.WARNING)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ClusterError(
            f"no Ray cluster can be reached: {str(error).splitlines()[0]}",
            where=f"--ray-address {address}",
            remedy="`ray start --address HOST:PORT --num-cpus 0` makes this machine part of one; then leave it at auto",
        ) from error
    try:
        processors = int(ray.cluster_resources().get("CPU", 0))  # type: ignore[no-untyped-call]
        if not processors:
            raise ClusterError(
                "no node of the cluster has a processor for tasks",
                where=f"--ray-address {address}",
                remedy="add nodes: `ray start --address HOST:PORT` on each",
            )
        yield RayExecutor(address, uri, workers or processors)
    finally:
        ray.shutdown()


def _require_answer(address: str) -> None:
    """Ray itself would try for minutes."""
    import ray  # noqa: PLC0415 - see ray_executor

    if "://" in address:
        raise ClusterError(
            "Ray's client protocol is not spoken",
            where=f"--ray-address {address}",
            remedy="make this machine part of the cluster: `ray start --address HOST:PORT --num-cpus 0`",
        )
    host, _, port = address.rpartition(":")
    if not port.isdecimal():
        return  # `auto`, or something that Ray refuses at once
    own = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    # Ray never goes to a loopback address, but to the machine's own.
    reached = own if host in _LOOPBACK else host.strip("[]")
    try:
        socket.create_connection((reached, int(port)), _CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise ClusterError(
            f"no Ray cluster can be reached: {error}",
            where=f"--ray-address {address}" + ("" if reached == host else f", which is {reached} for Ray"),
            remedy="give HOST:PORT of its head as `ray start --head` has shown it",
        ) from error


def _require_reference(uri: Secret) -> None:
    """What is sent to a cluster lies in its memory, and on its disks when that is short."""
    text = str.__str__(uri.template)
    for reference in references(text):
        text = text.replace(reference.text, reference.default or "")
    if _PASSWORD.search(text):
        raise UserError(
            "the connection string holds a password, which every node of a Ray cluster would be sent",
            where=uri.template.where or "mongodb.uri",
            remedy="write it as a reference that each node resolves itself: ${env:NAME}, ${file:PATH} or ${vault:...}",
        )
