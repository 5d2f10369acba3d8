"""Secrets of a real Vault: logging in, keeping leases, and living through seals and restarts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from hvac import Client
from hvac.exceptions import Forbidden

from engine.errors import SecretsError, SecretsUnreachable
from engine.secrets.references import UnresolvedReference
from engine.secrets.template import Template
from engine.secrets.vault_access import AppRoleLogin, Login, TokenLogin, VaultAccess
from engine.secrets.vault_path import SecretPath
from engine.secrets.vault_session import Notice, VaultSession
from engine.secrets.vaults import VAULTS
from tests.vault.vault_server import VaultServer

pytestmark = pytest.mark.vault
PATIENCE_S = 60.0


class Held:
    """A session, tended by the test itself, and what it told."""

    def __init__(self, vault: VaultServer, login: Login, keep_s: float = 300.0) -> None:
        self.access = VaultAccess(Template(vault.address), None, None, login, 5.0, keep_s)
        self.notices: list[Notice] = []
        self.session = VaultSession(self.access, self.notices.append)

    def tend_until(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < until, [(one.what, one.secret) for one in self.notices]
            self.session.tend()
            time.sleep(0.05)

    def told(self, what: str, secret: str) -> bool:
        return any((one.what, one.secret) == (what, secret) for one in self.notices)


@pytest.fixture
def approle(vault: VaultServer, name: str) -> AppRoleLogin:
    """A role whose tokens last two seconds, and six at most."""
    auth = vault.root.auth.approle
    auth.create_or_update_approle(name, token_policies=["reader"], token_ttl="2s", token_max_ttl="6s")  # noqa: S106  durations
    role = auth.read_role_id(name)["data"]["role_id"]
    secret = auth.generate_secret_id(name)["data"]["secret_id"]
    return AppRoleLogin("approle", Template(role), Template(secret))


@pytest.fixture
def root(vault: VaultServer) -> TokenLogin:
    return TokenLogin(Template(vault.root_token))


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    VAULTS.close()


def test_a_version_of_a_secret_is_read_where_one_is_asked_for(vault: VaultServer, root: TokenLogin, name: str) -> None:
    vault.write(name, value="first")
    vault.write(name, value="second")
    access = Held(vault, root).access

    texts = [Template(f"${{vault:secret/{name}{version}#value}}") for version in ("", "?version=1")]
    for text in texts:
        text.vault = access

    assert [text.resolved() for text in texts] == ["second", "first"]


def test_a_field_that_is_not_there_is_named_without_what_is(vault: VaultServer, root: TokenLogin, name: str) -> None:
    vault.write(name, value="hunter2")
    text = Template(f"${{vault:secret/{name}#passwort}}", "target.yaml:2:3")
    text.vault = Held(vault, root).access

    with pytest.raises(UnresolvedReference) as caught:
        text.resolved()

    assert "target.yaml:2:3" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_missing_secret_and_a_denied_one_are_different_errors(
    vault: VaultServer, approle: AppRoleLogin, name: str
) -> None:
    held = Held(vault, approle)
    with pytest.raises(SecretsError, match="no such secret"):
        held.session.read(SecretPath(f"secret/{name}"))
    vault.root.sys.enable_secrets_engine("kv", path=name, options={"version": "2"})
    with pytest.raises(SecretsError, match="denies") as caught:
        held.session.read(SecretPath(f"{name}/any"))

    assert approle.secret_id.resolved() not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_token_that_vault_does_not_know_is_an_error_without_the_token(vault: VaultServer, name: str) -> None:
    with pytest.raises(SecretsError) as caught:
        Held(vault, TokenLogin(Template("hvs.not-a-token-of-anybody"))).session.read(SecretPath(f"secret/{name}"))

    assert "not-a-token" not in str(caught.value)
    assert "vault.auth" in str(caught.value)


def test_a_token_is_renewed_and_replaced_before_its_longest_time_is_over(
    vault: VaultServer, approle: AppRoleLogin, name: str
) -> None:
    vault.write(name, value="p")
    held = Held(vault, approle)
    held.session.read(SecretPath(f"secret/{name}"))

    held.tend_until(lambda: held.told("replaced", "token"))

    assert held.told("renewed", "token")
    assert not held.told("failed", "token")


def test_a_secret_that_was_written_anew_is_seen_and_counts_as_a_change(
    vault: VaultServer, root: TokenLogin, name: str
) -> None:
    vault.write(name, value="old")
    held, secret = Held(vault, root, keep_s=0.2), SecretPath(f"secret/{name}")
    assert held.session.read(secret) == {"value": "old"}
    held.tend_until(lambda: held.told("read", str(secret)))
    assert held.session.changes == 0

    vault.write(name, value="new")
    held.tend_until(lambda: held.session.changes == 1)

    assert held.session.read(secret) == {"value": "new"}


def test_a_sealed_vault_takes_nothing_away_and_is_asked_again(
    vault: VaultServer, approle: AppRoleLogin, name: str
) -> None:
    vault.write(name, value="kept")
    held, secret = Held(vault, approle, keep_s=0.2), SecretPath(f"secret/{name}")
    held.session.read(secret)
    vault.seal()
    try:
        held.tend_until(lambda: held.told("failed", str(secret)))
        assert held.session.read(secret) == {"value": "kept"}
        with pytest.raises(SecretsUnreachable, match="sealed"):
            held.session.read(SecretPath(f"secret/{name}_other"))
    finally:
        vault.unseal()
    held.notices.clear()

    held.tend_until(lambda: held.told("read", str(secret)))


def test_a_vault_that_was_started_again_is_used_again(vault: VaultServer, approle: AppRoleLogin, name: str) -> None:
    vault.write(name, value="kept")
    held, secret = Held(vault, approle, keep_s=0.2), SecretPath(f"secret/{name}")
    held.session.read(secret)
    vault.kill()
    held.tend_until(lambda: held.told("failed", str(secret)))
    assert held.session.read(secret) == {"value": "kept"}
    vault.start()
    vault.unseal()
    held.notices.clear()

    held.tend_until(lambda: held.told("read", str(secret)))


def test_closing_ends_the_token_that_was_made_and_leaves_one_that_was_given(
    vault: VaultServer, approle: AppRoleLogin, name: str
) -> None:
    vault.write(name, value="p")
    given = vault.root.auth.token.create(policies=["reader"], ttl="1h")["auth"]["client_token"]
    for login in (approle, TokenLogin(Template(given))):
        held = Held(vault, login)
        held.session.read(SecretPath(f"secret/{name}"))
        token = held.session._token.id  # type: ignore[union-attr]
        held.session.close()
        used = Client(url=vault.address, token=token)
        if token == given:
            assert used.auth.token.lookup_self()["data"]["id"] == given
        else:
            with pytest.raises(Forbidden):
                used.auth.token.lookup_self()
