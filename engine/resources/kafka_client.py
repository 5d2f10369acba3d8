"""How planners reach a Kafka cluster: its address, and those of the client's settings that make a connection."""

from __future__ import annotations

from engine.spec.target import Kafka

_OF_CONNECTIONS = ("security.", "sasl.", "ssl.", "enable.ssl.", "broker.address.", "client.dns.")


def client_config(kafka: Kafka) -> dict[str, str | int]:
    """Settings for librdkafka, references resolved; what is for consumers alone is left out.

    Raises:
        UserError: a reference cannot be resolved.
    """
    given = {name: value.reveal() for name, value in kafka.client.items() if name.startswith(_OF_CONNECTIONS)}
    # What librdkafka logs about a broker that is down is told by our own error.
    quiet: dict[str, str | int] = {"log_level": 0, "socket.timeout.ms": 10_000}
    return quiet | given | {"bootstrap.servers": kafka.bootstrap_servers.resolved()}
