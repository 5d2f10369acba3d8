from __future__ import annotations

import json
import urllib.request

import pytest

from engine.stack.connect import ConnectWorker

pytestmark = [pytest.mark.server, pytest.mark.kafka]


def test_connect_offers_the_mongodb_connector(connect: ConnectWorker) -> None:
    with urllib.request.urlopen(f"{connect.url}/connector-plugins", timeout=10) as answer:  # noqa: S310 - http to loopback
        plugins = json.load(answer)
    found = {plugin["class"]: plugin["version"] for plugin in plugins}
    assert found["io.debezium.connector.mongodb.MongoDbConnector"] == "3.6.1.Final"


def test_secrets_are_read_from_a_file_that_only_its_owner_may_read(connect: ConnectWorker) -> None:
    assert connect.secrets.stat().st_mode & 0o077 == 0
    settings = (connect.folder / "connect.properties").read_text()
    assert "config.providers=file,env" in settings
