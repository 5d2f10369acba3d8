"""A target's Vault: one login, and references that can be looked up in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.projects import load, of_target

REFERENCE = "${vault:database/creds/reader#username}"
VAULT = "vault: {{address: 'http://127.0.0.1:8200', auth: {auth}}}\n"


def target(auth: str | None, uri: str = f"mongodb://{REFERENCE}@h/") -> str:
    block = "" if auth is None else VAULT.format(auth=auth)
    return f'target: local\nmongodb: {{uri: "{uri}"}}\nlake: {{uri: l}}\n{block}'


def test_a_secret_of_a_vault_that_the_target_names_is_looked_up_by_nobody_yet(tmp_path: Path) -> None:
    load(tmp_path, {"targets/local.yaml": target("{token: '${env:OPLAKE_NEVER_SET}'}")})


@pytest.mark.parametrize(
    ("text", "rule", "message"),
    [
        (target(None), "bad-reference", "the target names no Vault to look this up in"),
        (target("{}"), "contradictory-keys", "`auth` names no way to log in"),
        (
            target("{token: t, kubernetes: {role: r}}"),
            "contradictory-keys",
            "`auth` is `token` or `kubernetes`, not both",
        ),
        (target(f"{{token: '{REFERENCE}'}}"), "misplaced-reference", "what leads to Vault cannot be kept in Vault"),
    ],
    ids=["no vault", "no login", "two logins", "a login in the vault"],
)
def test_what_cannot_be_looked_up_is_told(tmp_path: Path, text: str, rule: str, message: str) -> None:
    assert [line.split(": ", 1)[1] for line in of_target(tmp_path, text)] == [f"error[{rule}] {message}"]
