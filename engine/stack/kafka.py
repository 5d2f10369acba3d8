"""Kafka brokers in KRaft mode: one node, or three that replicate to each other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, Self

from engine.stack.jvm import java_command, properties, run_java
from engine.stack.ports import LOOPBACK, free_port, is_taken
from engine.stack.server import Server

CLUSTER_ID = "b3BsYWtlLWxvY2FsLXN0YQ"
"""Sixteen bytes in URL-safe base64, as Kafka wants them."""
HEAP_MB = 512
ALONE_S = 5.0
"""How long a broker may take to end once the others have."""


class KafkaBroker(Server):
    """One node, broker and controller at once."""

    name: ClassVar[str] = "kafka"

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        controller_port: int | None = None,
        node: int = 1,
        voters: Sequence[str] = (),
        heap_mb: int = HEAP_MB,
    ) -> None:
        """See ``Server``.

        Args:
            controller_port: where the controllers talk to each other.
            node: its number in the cluster, from 1.
            voters: ``number@host:port`` of every controller; this node alone by default.
            heap_mb: the most memory its objects may take, MiB.
        """
        super().__init__(folder, port)
        self.controller_port = controller_port or free_port()
        self._node = node
        self._heap_mb = heap_mb
        self._voters = list(voters) or [f"{node}@{LOOPBACK}:{self.controller_port}"]

    @property
    def address(self) -> str:
        """``host:port`` for clients."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def bootstrap_servers(self) -> str:
        """As clients name it."""
        return self.address

    def _prepare(self) -> None:
        super()._prepare()
        settings = self._settings()
        config = self.folder / "server.properties"
        config.write_text(properties(settings))
        if not (self.folder / "data" / "meta.properties").exists():
            run_java(
                "kafka.tools.StorageTool",
                self.folder,
                ["format", "--ignore-formatted", "-t", CLUSTER_ID, "-c", str(config)],
            )

    def _settings(self) -> dict[str, object]:
        copies = min(3, len(self._voters))
        in_sync = max(1, copies - 1)
        return {
            "process.roles": "broker,controller",
            "node.id": self._node,
            "controller.quorum.voters": ",".join(self._voters),
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{LOOPBACK}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "log.dirs": self.folder / "data",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": in_sync,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": in_sync,
            "share.coordinator.state.topic.num.partitions": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "log.cleaner.dedupe.buffer.size": 4 << 20,
        }

    def _command(self) -> Sequence[str]:
        return java_command("kafka.Kafka", self.folder, self._heap_mb, [str(self.folder / "server.properties")])

    def _ends_in_order(self, deadline: float) -> bool:
        """A broker asks the controllers to let it go, and would wait for five minutes for a majority that is gone."""
        while time.monotonic() < deadline:
            if self._wait_for_end(ALONE_S):
                return True
            running = sum(is_taken(int(voter.rpartition(":")[2])) for voter in self._voters)
            if running <= len(self._voters) // 2:
                return False
        return False

    def _answers(self) -> bool:
        # librdkafka complains on stderr about every broker that is not there yet.
        from confluent_kafka import KafkaException  # noqa: PLC0415
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - heavy, and only needed once a broker runs

        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0, "socket.timeout.ms": 1000})
        try:
            return bool(admin.list_topics(timeout=1).brokers)
        except KafkaException:
            return False


class KafkaCluster:
    """Several nodes that know each other."""

    def __init__(self, nodes: Sequence[KafkaBroker]) -> None:
        self.nodes = list(nodes)

    @classmethod
    def of(
        cls, folder: Path, count: int, ports: Sequence[tuple[int, int]] = (), heap_mb: int = HEAP_MB
    ) -> KafkaCluster:
        """So many nodes, each in a folder of its own; ``ports`` are (client, controller) of each."""
        pairs = list(ports) or [(free_port(), free_port()) for _ in range(count)]
        voters = [f"{number}@{LOOPBACK}:{controller}" for number, (_, controller) in enumerate(pairs, 1)]
        return cls(
            [
                KafkaBroker(
                    folder / f"node-{number}",
                    port=port,
                    controller_port=controller,
                    node=number,
                    voters=voters,
                    heap_mb=heap_mb,
                )
                for number, (port, controller) in enumerate(pairs, 1)
            ]
        )

    @property
    def bootstrap_servers(self) -> str:
        """Every node, as clients name them."""
        return ",".join(node.address for node in self.nodes)

    def start(self) -> None:
        """Start all; a quorum needs more than half of them, so none is waited for before all are started."""
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait_until_it_answers()

    def stop(self) -> None:
        """Stop all at once: one after the other, the last would have nobody left to let it go."""
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            for stopped in [pool.submit(node.stop) for node in self.nodes]:
                stopped.result()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
