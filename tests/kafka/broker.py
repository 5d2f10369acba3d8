"""The broker of the tests: beside its own listener it has one behind a proxy's port, and one that asks who is there."""

from __future__ import annotations

from pathlib import Path

from engine.stack.kafka import KafkaBroker
from engine.stack.ports import LOOPBACK, free_port

USER, PASSWORD = "oplake", "only-for-tests-5f1c"
_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"


class TestBroker(KafkaBroker):
    """One node with three listeners."""

    __test__ = False

    def __init__(self, folder: Path, *, heap_mb: int) -> None:
        super().__init__(folder, heap_mb=heap_mb)
        self.front_port = free_port()
        """Told to clients that come through a proxy, which has to listen there."""
        self.behind_front_port = free_port()
        """Where the broker listens for the proxy."""
        self._guarded_port = free_port()

    @property
    def guarded_address(self) -> str:
        """Lets in nobody but ``USER`` with ``PASSWORD`` (SASL_PLAINTEXT, PLAIN)."""
        return f"{LOOPBACK}:{self._guarded_port}"

    def _settings(self) -> dict[str, object]:
        settings = super()._settings()
        guarded = f"GUARDED://{self.guarded_address}"
        return {
            **settings,
            "listeners": f"{settings['listeners']},FRONT://{LOOPBACK}:{self.behind_front_port},{guarded}",
            "advertised.listeners": f"{settings['advertised.listeners']},"
            f"FRONT://{LOOPBACK}:{self.front_port},{guarded}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,FRONT:PLAINTEXT,"
            "GUARDED:SASL_PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.name.guarded.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.guarded.plain.sasl.jaas.config": f'{_LOGIN} user_{USER}="{PASSWORD}";',
        }
