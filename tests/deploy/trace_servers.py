"""Real OpenTelemetry collectors and a real Jaeger, with the files of deploy/observability."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

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


class Jaeger(Server):
    """All of Jaeger in one process, with its spans in memory."""

    name: ClassVar[str] = "jaeger"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.otlp_port, self.sampling_port = free_port(), free_port()
        self._client = httpx.Client(timeout=5)

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def services(self) -> Sequence[str]:
        return self._asked("services") or []

    def spans(self, service: str) -> Sequence[Mapping[str, Any]]:
        """Each with ``table``, ``traceID``, ``operationName`` and its ``tags``."""
        traces = self._asked("traces", service=service, limit="1000")
        return [
            {**span, "tags": {tag["key"]: tag["value"] for tag in span["tags"]}}
            for trace in traces
            for span in trace["spans"]
        ]

    def sampling(self, service: str) -> Mapping[str, Any]:
        """What a client of this service is told."""
        url = f"http://{LOOPBACK}:{self.sampling_port}/api/sampling"
        told: Mapping[str, Any] = self._client.get(url, params={"service": service}).raise_for_status().json()
        return told

    def _asked(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        return self._client.get(f"{self.address}/api/{path}", params=parameters).raise_for_status().json()["data"]

    def _command(self) -> Sequence[str]:
        inner = ("admin.http", "collector.grpc-server", "collector.otlp.http", "query.grpc-server")
        ports = {f"{name}.host-port": free_port() for name in inner}
        ports |= {"query.http-server.host-port": self.port, "collector.otlp.grpc.host-port": self.otlp_port}
        ports |= {"collector.http-server.host-port": self.sampling_port}
        return [
            str(built("jaeger")),
            f"--sampling.strategies-file={OBSERVABILITY / 'jaeger' / 'sampling.json'}",
            *(f"--{name}={LOOPBACK}:{port}" for name, port in ports.items()),
        ]

    def _answers(self) -> bool:
        try:
            self.services()
        except httpx.HTTPError:
            return False
        return True
