"""Kafka Connect in distributed mode with the Debezium connector, exactly-once support on."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from engine.stack.jars import jar_folder
from engine.stack.jvm import java_command, properties
from engine.stack.ports import LOOPBACK
from engine.stack.server import Server

GROUP = "oplake-connect"
HEAP_MB = 512
SECRETS = "secrets.properties"
URI_KEY = "mongodb_uri"
"""Of the connection string in the file of secrets."""


class ConnectWorker(Server):
    """One worker. Workers with the same brokers and group share the connectors."""

    name: ClassVar[str] = "connect"

    def __init__(
        self,
        folder: Path,
        *,
        bootstrap_servers: str,
        port: int | None = None,
        replication: int = 1,
        heap_mb: int = HEAP_MB,
        settings: Mapping[str, object] = MappingProxyType({}),
        secrets: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """See ``Server``.

        Args:
            replication: copies of Connect's own topics.
            heap_mb: the most memory its objects may take, MiB.
            settings: further ones of the worker, and others in place of those that it has.
            secrets: what its file of secrets shall hold.
        """
        super().__init__(folder, port)
        self._bootstrap_servers = bootstrap_servers
        self._replication = replication
        self._heap_mb = heap_mb
        self._more = dict(settings)
        self._secrets = dict(secrets)

    @property
    def address(self) -> str:
        """The REST address."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """The REST address."""
        return self.address

    @property
    def secrets(self) -> Path:
        """A properties file that connectors may refer to as ``${file:PATH:key}``: its values never travel over REST."""
        return self.folder / SECRETS

    def _prepare(self) -> None:
        super()._prepare()
        plugins = jar_folder("debezium").parent
        settings: dict[str, object] = {
            "bootstrap.servers": self._bootstrap_servers,
            "group.id": GROUP,
            "listeners": self.address,
            "rest.advertised.host.name": LOOPBACK,
            "rest.advertised.port": self.port,
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "exactly.once.source.support": "enabled",
            "plugin.path": plugins,
            # Looking into every jar takes 20 s.
            "plugin.discovery": "service_load",
            "connector.client.config.override.policy": "All",
            "scheduled.rebalance.max.delay.ms": 0,
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 2000,
            "offset.flush.interval.ms": 1000,
            "config.providers": "file,env",
            "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
            "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
            # Whoever reaches Connect may refer to variables, and reads what they hold: the connection string alone.
            "config.providers.env.param.allowlist.pattern": "MONGODB_URI",
        }
        for kind in ("config", "offset", "status"):
            settings[f"{kind}.storage.topic"] = f"{GROUP}-{kind}"
            settings[f"{kind}.storage.replication.factor"] = self._replication
            if kind != "config":
                settings[f"{kind}.storage.partitions"] = 2
        (self.folder / "connect.properties").write_text(properties(settings | self._more))
        self._keep_secrets()

    def _keep_secrets(self) -> None:
        """Beside what somebody else has written there."""
        self.secrets.touch(mode=0o600)
        kept = [line for line in self.secrets.read_text().splitlines() if line.partition("=")[0] not in self._secrets]
        self.secrets.write_text("".join(f"{line}\n" for line in kept) + properties(dict(self._secrets)))

    def _command(self) -> Sequence[str]:
        return java_command(
            "org.apache.kafka.connect.cli.ConnectDistributed",
            self.folder,
            self._heap_mb,
            [str(self.folder / "connect.properties")],
        )

    def _answers(self) -> bool:
        """Connect answers its root before it can do anything: the list of connectors needs a joined group."""
        try:
            with urllib.request.urlopen(f"{self.address}/connectors", timeout=2) as answer:  # noqa: S310 - our own
                return bool(answer.status == 200)  # noqa: PLR2004 - HTTP
        except (urllib.error.URLError, OSError):
            return False
