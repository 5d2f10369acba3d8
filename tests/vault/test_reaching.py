"""How a Vault is reached: over TLS with a private authority, and within a namespace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from engine.errors import SecretsUnreachable
from engine.secrets.vault_client import VaultClient
from engine.secrets.vault_path import SecretPath
from engine.spec.vault import Vault
from tests.private_ca import PrivateCa
from tests.serving import served
from tests.vault.vault_server import VaultServer


def client_of(address: str, token: str, **more: str) -> VaultClient:
    return VaultClient(Vault.model_validate({"address": address, "auth": {"token": token}, **more}).access())


@pytest.mark.vault
def test_a_vault_with_a_certificate_of_a_private_authority_is_trusted_only_when_it_is_named(tmp_path: Path) -> None:
    authority, other = PrivateCa(tmp_path / "ca.pem"), PrivateCa(tmp_path / "other.pem")
    with VaultServer(tmp_path / "vault", authority) as vault:
        vault.initialise()
        vault.root.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
        vault.write("lake", access_key="k")
        trusting = client_of(vault.address, vault.root_token, ca=str(authority.file))
        trusting.log_in()
        assert trusting.read(SecretPath("secret/lake")).data == {"access_key": "k"}
        for wrong in ({"ca": str(other.file)}, {}):
            with pytest.raises(SecretsUnreachable) as refused:
                client_of(vault.address, vault.root_token, **wrong).log_in()
            assert refused.value.what == "Vault's certificate is not trusted"
            assert refused.value.where == f"{vault.address} login"
            assert "`vault.ca`" in refused.value.remedy
            assert vault.root_token not in str(refused.value)


@contextmanager
def listener() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An address that answers as Vault does of a token, and the headers that came; namespaces are Enterprise's."""
    seen: list[dict[str, str]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
            body = json.dumps({"data": {"ttl": 60, "renewable": False}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    with served(server):
        yield f"http://127.0.0.1:{server.server_port}", seen


def test_every_request_names_the_namespace_and_none_does_without_one() -> None:
    with listener() as (address, seen):
        client_of(address, "t", namespace="teams/data").log_in()
        client_of(address, "t").log_in()
    assert [one.get("x-vault-namespace") for one in seen] == ["teams/data", None]
    assert {one["path"] for one in seen} == {"/v1/auth/token/lookup-self"}
