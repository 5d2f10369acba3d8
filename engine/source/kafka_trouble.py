"""Why a Kafka client gets no answer: no such host, nobody there, a wrong password, TLS where there is none.

Whoever asks only hears that nothing answered in time. The client tells the reason to its ``error_cb``, which it calls
when it is polled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from confluent_kafka import KafkaError

OPEN = frozenset({"bootstrap.servers", "security.protocol", "sasl.mechanism", "sasl.mechanisms"})
"""Settings that may be shown; any other may be a secret."""
SHORT = 4
"""A value of fewer characters, or of digits alone, is masked in quotes only: it may be a part of anything."""
_DISTRUST = "certificate verify failed"
"""OpenSSL's words. librdkafka tells the same failure now as ``_SSL``, now as ``_TRANSPORT``."""
_BROKER = re.compile(r"^\S+/\S+: ")
_NOISE = re.compile(r"^Failed to create \w+ client: | \(after \d+ms in state \w+.*\)$")


class Polled(Protocol):
    """A client that calls back when it is polled."""

    def poll(self, timeout: float) -> object:
        """Call back what is waiting."""


class Trouble:
    """What one client has met since it had its last answer."""

    def __init__(self, settings: Mapping[str, object]) -> None:
        self._settings = settings
        self._last: KafkaError | None = None
        self._only_distrust = True
        self._nobody_left = False

    def note(self, error: KafkaError) -> None:
        """The client's ``error_cb``."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # says no more than the question's own error
            self._nobody_left = True
            return
        self._last = error
        self._only_distrust &= _DISTRUST in error.str()

    def forget(self, client: Polled) -> None:
        """There was an answer, or another client asks next."""
        client.poll(0)
        self._last, self._only_distrust, self._nobody_left = None, True, False

    def is_distrust(self, client: Polled) -> bool:
        """Whether no broker is left to answer, and the certificate of each is not trusted: waiting does not help."""
        client.poll(0)
        return self._nobody_left and self._last is not None and self._only_distrust

    def of(self, client: Polled) -> str:
        """The reason in the client's words, without the values of settings; "" when it gave none."""
        client.poll(0)
        return "" if self._last is None else words(self._last, self._settings)


def words(error: KafkaError, settings: Mapping[str, object]) -> str:
    """What an error says, without addresses, durations and the values of settings."""
    told = _NOISE.sub("", _BROKER.sub("", error.str().strip()))
    values = {str(value) for name, value in settings.items() if name not in OPEN}
    for value in sorted(values - {""}, key=len, reverse=True):
        told = told.replace(f'"{value}"', '"***"')
        if len(value) >= SHORT and not value.isdigit():
            told = told.replace(value, "***")
    return told
