"""A Ray cluster of processes on this machine, and nodes of it that die as a machine does."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil

from tests.patience import wait_until

if TYPE_CHECKING:
    from ray._private.node import Node
    from ray.cluster_utils import Cluster

# Ray takes 127.0.0.1 for whatever address the machine has, and would not find the cluster there.
SMALL = {"num_cpus": 1, "node_ip_address": "127.0.0.2", "object_store_memory": 80 << 20}
NOTICED_SOON = {"health_check_period_ms": 1000, "health_check_timeout_ms": 20_000, "health_check_failure_threshold": 5}
"""A dead node refuses at once, five times in five seconds; one that is only slow, on a busy machine, is waited for: the
head itself would be taken for dead, and the whole cluster with it."""
TASK = "ray::oplake reconcile"
"""How a process that carries out a chunk is named."""


@contextmanager
def a_cluster(environment: Mapping[str, str]) -> Iterator[Cluster]:
    """A head with one processor, without dashboard; it tells nobody that it is used."""
    folder = tempfile.mkdtemp(prefix="ray")  # sockets are in it: a test's own folder has too long a name
    os.environ.update(environment, RAY_USAGE_STATS_ENABLED="0", RAY_TMPDIR=folder)
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - reads these variables

    head: dict[str, Any] = {**SMALL, "include_dashboard": False, "_system_config": NOTICED_SOON}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        yield cluster
    finally:
        cluster.shutdown()
        for name in (*environment, "RAY_USAGE_STATS_ENABLED", "RAY_TMPDIR"):
            del os.environ[name]
        shutil.rmtree(folder)


def kill_while_it_reads(node: Node) -> None:
    """SIGKILL a node and all its processes as soon as a chunk is being read there."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    wait_until(lambda: any(name_of(one).startswith(TASK) for one in raylet.children()))
    for one in (raylet, *raylet.children(recursive=True)):
        one.send_signal(signal.SIGKILL)


def name_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
