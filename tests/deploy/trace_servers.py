"""Real OpenTelemetry collectors, one with the file of deploy/observability."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import httpx

from engine.stack.ports import LOOPBACK, free_port
from engine.stack.server import Server
from tests.built_servers import built
from tests.deploy.prometheus import OBSERVABILITY


class OtelCollector(Server):
    """A collector that takes OTLP over HTTP at its port."""

    name: ClassVar[str] = "collector"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._health_port = free_port()

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @abstractmethod
    def _config(self) -> str:
        """Its configuration, as YAML."""

    def _prepare(self) -> None:
        super()._prepare()
        (self.folder / "config.yaml").write_text(self._config())
        # Its own metrics have a port of their own, which may be taken.
        (self.folder / "quiet.yaml").write_text("service: {telemetry: {metrics: {level: none}}}")

    def _command(self) -> Sequence[str]:
        files = (self.folder / "config.yaml", self.folder / "quiet.yaml")
        return [str(built("collector")), *(f"--config={file}" for file in files)]

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://{LOOPBACK}:{self._health_port}", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


class Gate(OtelCollector):
    """Stands where Jaeger does, takes OTLP over gRPC, and hands it to a receiver of a test."""

    def __init__(self, folder: Path, receiver: str) -> None:
        """``receiver``: its address."""
        super().__init__(folder)
        self._receiver = receiver

    def _config(self) -> str:
        takes = {"otlp": {"protocols": {"grpc": {"endpoint": f"{LOOPBACK}:{self.port}"}}}}
        gives = {"otlp_http": {"endpoint": self._receiver, "compression": "none"}}
        health = {"health_check": {"endpoint": f"{LOOPBACK}:{self._health_port}"}}
        traces = {"receivers": list(takes), "exporters": list(gives)}
        service = {"extensions": list(health), "pipelines": {"traces": traces}}
        return json.dumps({"receivers": takes, "exporters": gives, "extensions": health, "service": service})


class CommittedCollector(OtelCollector):
    """The committed configuration, with addresses of this machine."""

    def __init__(self, folder: Path, jaeger_port: int) -> None:
        """``jaeger_port``: where OTLP is taken over gRPC."""
        super().__init__(folder)
        self._jaeger_port = jaeger_port

    def _config(self) -> str:
        text = (OBSERVABILITY / "collector" / "config.yaml").read_text()
        ports = {"0.0.0.0:4318": self.port, "0.0.0.0:13133": self._health_port, "jaeger:4317": self._jaeger_port}
        for address, port in ports.items():
            assert text.count(address) == 1
            text = text.replace(address, f"{LOOPBACK}:{port}")
        return text
