"""The broker of the tests: beside its own listener it has one behind a proxy's port, and one that asks who is there."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

from engine.stack.java import find_java
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
        """Speaks TLS, and lets in nobody but ``USER`` with ``PASSWORD`` (SASL_SSL, PLAIN)."""
        return f"{LOOPBACK}:{self._guarded_port}"

    def certificate(self) -> str:
        """What the guarded listener shows, in PEM; it has signed it itself."""
        return ssl.get_server_certificate((LOOPBACK, self._guarded_port))

    def guarded_client(self, ca: Path, password: str = PASSWORD) -> dict[str, str]:
        """Settings that get in, given the file of the certificate."""
        return {
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(ca),
            "sasl.mechanism": "PLAIN",
            "sasl.username": USER,
            "sasl.password": password,
        }

    def guarded_java_client(self, ca: Path) -> dict[str, str]:
        """The same by the Java client's names."""
        return {
            "security.protocol": "SASL_SSL",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(ca),
            "sasl.mechanism": "PLAIN",
            "sasl.jaas.config": f'{_LOGIN} username="{USER}" password="{PASSWORD}";',
        }

    def _prepare(self) -> None:
        super()._prepare()
        if not self._keys.exists():
            keytool = Path(find_java()).with_name("keytool")
            options = {
                "alias": "broker",
                "keyalg": "EC",
                "dname": f"CN={LOOPBACK}",
                "ext": f"SAN=IP:{LOOPBACK}",
                "validity": "2",
                "keystore": self._keys,
                "storetype": "PKCS12",
                "storepass": PASSWORD,
            }
            words = [word for name, value in options.items() for word in (f"-{name}", value)]
            subprocess.run([keytool, "-genkeypair", *words], capture_output=True, check=True)

    @property
    def _keys(self) -> Path:
        return self.folder / "keys.p12"

    def _settings(self) -> dict[str, object]:
        settings = super()._settings()
        guarded = f"GUARDED://{self.guarded_address}"
        return {
            **settings,
            "listeners": f"{settings['listeners']},FRONT://{LOOPBACK}:{self.behind_front_port},{guarded}",
            "advertised.listeners": f"{settings['advertised.listeners']},"
            f"FRONT://{LOOPBACK}:{self.front_port},{guarded}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,FRONT:PLAINTEXT,"
            "GUARDED:SASL_SSL",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.name.guarded.ssl.keystore.location": self._keys,
            "listener.name.guarded.ssl.keystore.type": "PKCS12",
            "listener.name.guarded.ssl.keystore.password": PASSWORD,
            "listener.name.guarded.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.guarded.plain.sasl.jaas.config": f'{_LOGIN} user_{USER}="{PASSWORD}";',
        }
