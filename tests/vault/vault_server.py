"""A real HashiCorp Vault, with its data in a folder: it can be sealed, killed and started again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from hvac import Client

from engine.errors import OperatorError
from engine.stack.ports import LOOPBACK
from engine.stack.server import Server
from tests.built_servers import built, missing
from tests.private_ca import PrivateCa

PROGRAM = built("vault")
NO_VAULT = missing("vault")


class VaultServer(Server):
    """One server, unsealed by whoever made it."""

    name: ClassVar[str] = "vault"

    def __init__(self, folder: Path, authority: PrivateCa | None = None) -> None:
        """With an authority it speaks TLS, with a certificate that this one signed."""
        super().__init__(folder)
        self._authority = authority
        self._key = self._root = ""

    @property
    def address(self) -> str:
        return f"{'https' if self._authority else 'http'}://{LOOPBACK}:{self.port}"

    @property
    def root(self) -> Client:
        """A client that may do everything."""
        return self._client(token=self._root)

    @property
    def root_token(self) -> str:
        return self._root

    def initialise(self) -> None:
        """Make its keys, and unseal it."""
        made = self._client().sys.initialize(secret_shares=1, secret_threshold=1)
        self._key, self._root = made["keys"][0], made["root_token"]
        self.unseal()

    def seal(self) -> None:
        self.root.sys.seal()

    def unseal(self) -> None:
        self.root.sys.submit_unseal_key(self._key)

    def write(self, path: str, **values: str) -> None:
        """A secret of the KV engine at ``secret/``."""
        self.root.secrets.kv.v2.create_or_update_secret(path, values, mount_point="secret")

    def _client(self, **more: Any) -> Client:  # noqa: ANN401 - of hvac's client
        return Client(url=self.address, verify=str(self._authority.file) if self._authority else True, **more)

    def _listener(self) -> dict[str, Any]:
        if self._authority is None:
            return {"tls_disable": True}
        certificate, key = self._authority.issue(self.folder)
        return {"tls_cert_file": str(certificate), "tls_key_file": str(key)}

    def _prepare(self) -> None:
        super()._prepare()
        settings: dict[str, Any] = {
            "storage": {"file": {"path": str(self.folder / "data")}},
            "listener": {"tcp": {"address": f"{LOOPBACK}:{self.port}", **self._listener()}},
            "disable_mlock": True,
            "api_addr": self.address,
        }
        (self.folder / "vault.json").write_text(json.dumps(settings))

    def _command(self) -> Sequence[str]:
        if not PROGRAM.is_file():
            raise OperatorError(NO_VAULT)
        return [str(PROGRAM), "server", f"-config={self.folder / 'vault.json'}"]

    def _environment(self) -> Mapping[str, str]:
        # A library in it carries a certificate with a negative serial number, which Go 1.23 refuses by default.
        return {"GODEBUG": "x509negativeserial=1", "VAULT_ADDR": self.address}

    def _answers(self) -> bool:
        try:
            self._client(timeout=1).sys.read_seal_status()
        except OSError:
            return False
        return True
