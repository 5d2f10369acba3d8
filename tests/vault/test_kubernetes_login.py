"""A service account's token, which a real Vault has reviewed by (a stand-in for) Kubernetes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from engine.errors import SecretsError
from engine.secrets.vault_path import SecretPath
from engine.secrets.vault_session import VaultSession
from engine.spec.vault import Vault
from tests.vault.token_review import token_review
from tests.vault.vault_server import VaultServer

pytestmark = pytest.mark.vault
ACCOUNT, NAMESPACE = "oplake", "data"


def certificate_of(key: rsa.RSAPrivateKey) -> str:
    """One that Vault wants to be told of, though the stand-in speaks plain HTTP."""
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(who, who, key.public_key(), 1, now, now + timedelta(hours=1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_a_service_account_logs_in_with_the_token_that_its_file_holds_now(
    vault: VaultServer, tmp_path: Path, name: str
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = int(time.time())
    about = {"kubernetes.io": {"namespace": NAMESPACE, "serviceaccount": {"name": ACCOUNT, "uid": "u-1"}}}
    token = jwt.encode({"iat": now, "nbf": now - 5, "exp": now + 600, **about}, key, algorithm="RS256")
    file = tmp_path / "token"
    file.write_text("not a token")
    vault.write(name, value="for the pod")
    with token_review({token}, ACCOUNT, NAMESPACE) as kubernetes:
        vault.root.sys.enable_auth_method("kubernetes", path=name)
        vault.root.write(
            f"auth/{name}/config",
            kubernetes_host=kubernetes,
            kubernetes_ca_cert=certificate_of(key),
            token_reviewer_jwt=token,
        )
        vault.root.auth.kubernetes.create_role(
            "oplake", [ACCOUNT], [NAMESPACE], policies=["reader"], ttl="1m", mount_point=name
        )
        settings = Vault.model_validate(
            {
                "address": vault.address,
                "auth": {"kubernetes": {"role": "oplake", "mount": name, "jwt": str(file)}},
            }
        )
        session = VaultSession(settings.access(), lambda _: None)
        with pytest.raises(SecretsError):
            session.read(SecretPath(f"secret/{name}"))

        file.write_text(f"{token}\n")

        assert session.read(SecretPath(f"secret/{name}")) == {"value": "for the pod"}
        session.close()
