"""A Debezium connector of one collection, set up by hand over Connect's REST address."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

PATIENCE_S = 120.0


class Connector:
    """One connector; a killed Connect starts it again by itself."""

    def __init__(self, connect_url: str, prefix: str, mongodb_uri: str, namespace: str, **settings: str) -> None:
        self._url = f"{connect_url}/connectors/{prefix}"
        self._settings = {
            "connector.class": "io.debezium.connector.mongodb.MongoDbConnector",
            "mongodb.connection.string": mongodb_uri,
            "topic.prefix": prefix,
            "collection.include.list": namespace,
            "capture.mode": "change_streams_update_full",
            "key.converter.schemas.enable": "false",
            "value.converter.schemas.enable": "false",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "poll.interval.ms": "50",
            **settings,
        }

    def start(self) -> None:
        self._ask("PUT", "/config", self._settings)

    def delete(self) -> None:
        self._ask("DELETE", "")

    def wait_until_it_runs(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                status = self._ask("GET", "/status")
                states = [status["connector"]["state"], *(task["state"] for task in status["tasks"])]
            except (urllib.error.URLError, ConnectionError) as error:
                status, states = str(error), []
            if len(states) > 1 and set(states) == {"RUNNING"}:
                return
            assert time.monotonic() < until, status
            time.sleep(0.2)

    def _ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, content, headers, method=method)  # noqa: S310  loopback
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  loopback
            return json.loads(answer.read() or b"null")
