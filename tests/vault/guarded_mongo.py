"""A MongoDB-protocol server that wants a user and a password, and a Vault that makes users in it."""

from __future__ import annotations

from pathlib import Path

from pymongo import MongoClient

from engine.stack.mongodb import REPLICA_SET, MongoServer
from engine.stack.ports import LOOPBACK
from tests.vault.vault_server import VaultServer

ADMIN, PASSWORD = "admin", "only-in-tests"
READER = '{"db": "admin", "roles": [{"role": "readAnyDatabase"}, {"role": "read", "db": "local"}]}'


class GuardedMongo(MongoServer):
    """Has one user, who may do everything, before it asks for users."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._user = ""

    @property
    def address(self) -> str:
        at = f"{self._user}@" if self._user else ""
        return f"mongodb://{at}{LOOPBACK}:{self.port}/?replicaSet={REPLICA_SET}&authSource=admin"

    def guard(self) -> None:
        """Make the user, and start again with authentication."""
        with MongoClient[dict[str, object]](f"mongodb://{LOOPBACK}:{self.port}/?replicaSet={REPLICA_SET}") as client:
            client.admin.command("createUser", ADMIN, pwd=PASSWORD, roles=["root"])
        self.stop()
        self._options += ["--auth"]
        self._user = f"{ADMIN}:{PASSWORD}"
        self.start()

    def reached_through(self, secret: str) -> str:
        """A connection string whose user is leased."""
        user = f"${{vault:{secret}#username}}:${{vault:{secret}#password}}"
        return f"mongodb://{user}@{LOOPBACK}:{self.port}/?replicaSet={REPLICA_SET}&authSource=admin"


def lease_users(vault: VaultServer, mongo: GuardedMongo, role: str, ttl: str, max_ttl: str) -> str:
    """Have Vault make users of this server; returns the path that leases one."""
    vault.root.write(
        f"database/config/{role}",
        plugin_name="mongodb-database-plugin",
        allowed_roles=role,
        connection_url=f"mongodb://{{{{username}}}}:{{{{password}}}}@{LOOPBACK}:{mongo.port}/admin?authSource=admin",
        username=ADMIN,
        password=PASSWORD,
    )
    vault.root.write(
        f"database/roles/{role}", db_name=role, creation_statements=READER, default_ttl=ttl, max_ttl=max_ttl
    )
    return f"database/creds/{role}"
