"""The ``vault`` block of a target: where its secrets are, and how oplake logs in there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pydantic import ConfigDict, Field

from engine.secrets.secret import Secret
from engine.secrets.template import Template
from engine.secrets.vault_access import AppRoleLogin, KubernetesLogin, Login, TokenLogin, VaultAccess
from engine.spec.model import SpecModel
from engine.spec.quantities import Duration

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token"


class AppRole(SpecModel):
    """Log in with a role's id and a secret id."""

    mount: str = Field("approle", description="Where the AppRole method is enabled.")
    role_id: Secret = Field(description="The role's id, best as a reference.")
    secret_id: Secret = Field(description="A secret id of the role, as ${env:...} or ${file:...}.")


class Kubernetes(SpecModel):
    """Log in with the service account of the pod."""

    mount: str = Field("kubernetes", description="Where the Kubernetes method is enabled.")
    role: str = Field(min_length=1, description="Vault's role that the service account is bound to.")
    jwt: Template = Field(
        Template(SERVICE_ACCOUNT),
        description="File (absolute path) that holds the service account's token; read at each login.",
    )


class VaultAuth(SpecModel):
    """How oplake logs in: exactly one."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    token: Secret | None = Field(None, description="A token, as ${env:...} or ${file:...}. Renewed, never revoked.")
    approle: AppRole | None = Field(None, description="Log in with a role's id and a secret id.")
    kubernetes: Kubernetes | None = Field(None, description="Log in with the service account of the pod.")

    @property
    def names_one(self) -> bool:
        """Whether there is one way to log in."""
        return [self.token, self.approle, self.kubernetes].count(None) == 2  # noqa: PLR2004  of three

    def login(self) -> Login:
        """What the secrets' session logs in with."""
        if self.approle is not None:
            return AppRoleLogin(self.approle.mount, self.approle.role_id.template, self.approle.secret_id.template)
        if self.kubernetes is not None:
            return KubernetesLogin(self.kubernetes.mount, self.kubernetes.role, _text_of(self.kubernetes.jwt))
        assert self.token is not None  # noqa: S101  one of the three is there
        return TokenLogin(self.token.template)


class Vault(SpecModel):
    """HashiCorp Vault, where ${vault:MOUNT/PATH#FIELD} is looked up."""

    address: Template = Field(description="Address of Vault, https://host:8200.")
    namespace: str | None = Field(None, description="Namespace (Vault Enterprise).")
    ca: Template | None = Field(
        None, description="File (absolute path) of the certificates that Vault's own is checked against."
    )
    auth: VaultAuth = Field(description="How oplake logs in: token, approle or kubernetes.")
    timeout: Duration = Field(timedelta(seconds=5), description="How long one request may take.")
    refresh: Duration = Field(timedelta(minutes=5), description="A secret of a KV engine is read anew after so long.")

    def access(self) -> VaultAccess:
        """The same for the room of secrets, unresolved."""
        return VaultAccess(
            self.address,
            self.namespace,
            self.ca,
            self.auth.login(),
            self.timeout.total_seconds(),
            self.refresh.total_seconds(),
        )


def bind(value: object, access: VaultAccess) -> None:
    """Tell every scalar of a model which Vault its references are looked up in."""
    match value:
        case Template():
            value.vault = access
        case Secret():
            value.template.vault = access
        case SpecModel():
            for name, inner in value:
                if not (name == "vault" and isinstance(inner, Vault)):  # its own values come from elsewhere
                    bind(inner, access)
        case Mapping():
            for inner in value.values():
                bind(inner, access)


def _text_of(path: Template) -> Template:
    """The text of a file, when it is asked for."""
    return Template(f"${{file:{path}}}", path.where, path.folder)
