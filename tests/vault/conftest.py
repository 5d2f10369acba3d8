"""One Vault for all tests of a worker; what a test makes there has names of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from tests.vault.vault_server import NO_VAULT, PROGRAM, VaultServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where Vault was not built the tests say so; never in continuous integration."""
    if os.environ.get("CI") or PROGRAM.is_file():
        return
    for item in items:
        if item.get_closest_marker("vault"):
            item.add_marker(pytest.mark.skip(reason=NO_VAULT))


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultServer]:
    """A Vault with a KV engine; whoever seals it unseals it."""
    with VaultServer(tmp_path_factory.mktemp("vault")) as server:
        server.initialise()
        server.root.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
        server.root.sys.enable_auth_method("approle")
        server.root.sys.enable_secrets_engine("database")
        server.root.sys.create_or_update_policy(
            "reader",
            'path "secret/*" { capabilities = ["read"] } path "database/creds/*" { capabilities = ["read"] }',
        )
        yield server


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"t{uuid.uuid4().hex[:10]}"
