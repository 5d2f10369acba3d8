"""The requests that oplake makes to HashiCorp Vault, and its refusals as our errors.

No error of the library is passed on or chained: some repeat what was sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from engine.errors import SecretsError, SecretsUnreachable
from engine.secrets.vault_access import AppRoleLogin, KubernetesLogin, TokenLogin, VaultAccess
from engine.secrets.vault_lease import Lease, granted, static
from engine.secrets.vault_path import SecretPath

if TYPE_CHECKING:
    from hvac import Client

_UNTRUSTED = (
    "set the target's `vault.ca` to a file (PEM) with the CA that signed Vault's certificate, and `vault.address` to a "
    "name that the certificate has"
)
_DOWN = "check that Vault runs, is unsealed and can be reached from here; what was read before stays in use"


class VaultClient:
    """One connection pool to one Vault, with the token of one login."""

    def __init__(self, access: VaultAccess, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is sent yet.

        Raises:
            UnresolvedReference: the address or the CA cannot be resolved.
        """
        from hvac import Client  # noqa: PLC0415  only targets that name a Vault need its library

        self.address = access.address.resolved()
        self._access = access
        self._now = clock
        verify: str | bool = True if access.ca is None else access.ca.resolved()
        self._vault: Client = Client(
            url=self.address, namespace=access.namespace, verify=verify, timeout=access.timeout_s, token=""
        )
        self._mounts: dict[str, Mapping[str, Any]] = {}

    def log_in(self) -> Lease:
        """Get a token, and use it from now on.

        Raises:
            SecretsUnreachable, SecretsError: Vault does not answer, or refuses.
        """
        login = self._access.login
        with self._asking("login"):
            match login:
                case TokenLogin():
                    self._vault.token = login.token.resolved()
                    found = self._vault.auth.token.lookup_self()["data"]
                    seconds, renewable = found["ttl"], bool(found.get("renewable"))
                case AppRoleLogin():
                    answer = self._vault.auth.approle.login(
                        login.role_id.resolved(), login.secret_id.resolved(), mount_point=login.mount, use_token=False
                    )["auth"]
                    seconds, renewable = self._take(answer)
                case KubernetesLogin():
                    answer = self._vault.auth.kubernetes.login(
                        login.role, login.jwt.resolved(), mount_point=login.mount, use_token=False
                    )["auth"]
                    seconds, renewable = self._take(answer)
        return granted({}, str(self._vault.token), seconds, renewable=renewable, now=self._now())

    def _take(self, answer: Mapping[str, Any]) -> tuple[float, bool]:
        self._vault.token = answer["client_token"]
        return answer["lease_duration"], answer["renewable"]

    def read(self, secret: SecretPath) -> Lease:
        """A secret of a KV engine (version 2), or new credentials of a database engine.

        Raises:
            SecretsUnreachable, SecretsError: Vault does not answer, refuses, or has no such secret.
        """
        with self._asking(str(secret)):
            mount = self._mount_of(secret)
            if mount["type"] == "kv" and (mount.get("options") or {}).get("version") == "2":
                return self._read_kv(secret, mount["path"])
            if mount["type"] == "database":
                return self._read_credentials(secret)
        raise SecretsError(
            f"no KV engine of version 2 and no database engine is mounted at {mount['path']}",
            where=f"{self.address} {secret}",
            remedy="other engines are not supported: name a secret of one of these two",
        )

    def renew_token(self) -> float:
        """Prolong the token; returns for how many seconds.

        Raises:
            SecretsUnreachable, SecretsError: Vault does not answer, or refuses.
        """
        with self._asking("token"):
            return float(self._vault.auth.token.renew_self()["auth"]["lease_duration"])

    def renew(self, secret: SecretPath, lease: Lease) -> float:
        """Prolong a lease by its first duration; returns for how many seconds.

        Raises:
            SecretsUnreachable, SecretsError: Vault does not answer, or refuses.
        """
        with self._asking(str(secret)):
            answer = self._vault.sys.renew_lease(lease.id, increment=int(lease.duration_s))
            return float(answer["lease_duration"])

    def revoke_lease(self, lease_id: str) -> None:
        """End credentials.

        Raises:
            SecretsUnreachable, SecretsError: Vault does not answer, or refuses.
        """
        with self._asking("lease"):
            self._vault.sys.revoke_lease(lease_id)

    def revoke_token(self, token: str) -> None:
        """End a token, and with it every lease that was made by it.

        Raises:
            SecretsUnreachable, SecretsError: Vault does not answer, or refuses.
        """
        self._vault.token = token
        with self._asking("token"):
            self._vault.auth.token.revoke_self()

    def _mount_of(self, secret: SecretPath) -> Mapping[str, Any]:
        """What is mounted where the path begins: ``vault kv`` asks the same."""
        top = secret.path
        if top not in self._mounts:
            answer = self._vault.read(f"sys/internal/ui/mounts/{secret.path}")
            if not answer:
                raise self._missing(secret)
            self._mounts[top] = answer["data"]
        return self._mounts[top]

    def _read_kv(self, secret: SecretPath, mount: str) -> Lease:
        path = f"{mount}data/{secret.path.removeprefix(mount)}"
        answer = self._vault.read(path if secret.version is None else f"{path}?version={secret.version}")
        if not answer or answer["data"].get("data") is None:
            raise self._missing(secret)
        values = {name: value for name, value in answer["data"]["data"].items() if isinstance(value, str)}
        return static(values, self._access.keep_s, self._now())

    def _read_credentials(self, secret: SecretPath) -> Lease:
        answer = self._vault.read(secret.path)
        if not answer or secret.version is not None:
            raise self._missing(secret)
        values = {name: value for name, value in answer["data"].items() if isinstance(value, str)}
        seconds, renewable = answer["lease_duration"], answer["renewable"]
        return granted(values, answer["lease_id"], seconds, renewable=renewable, now=self._now())

    def _missing(self, secret: SecretPath) -> SecretsError:
        return SecretsError(
            "Vault has no such secret, or its version was deleted",
            where=f"{self.address} {secret}",
            remedy="write it (`vault kv put`), or correct the reference: ${vault:MOUNT/PATH#FIELD}",
        )

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        from hvac import exceptions  # noqa: PLC0415  loaded with the client
        from requests import RequestException  # noqa: PLC0415  comes with hvac
        from requests.exceptions import SSLError  # noqa: PLC0415

        where = f"{self.address} {what}"
        down = (exceptions.VaultDown, exceptions.VaultNotInitialized, exceptions.BadGateway)
        passing = (*down, exceptions.InternalServerError, exceptions.RateLimitExceeded)
        try:
            yield
        except exceptions.Forbidden:
            raise SecretsError(
                "Vault denies this to oplake's token, or does not know the token any more",
                where=where,
                remedy="check the login in the target's `vault.auth`, and that a policy grants `read` on the path",
            ) from None
        except passing as error:
            state = "is sealed or not ready" if isinstance(error, down) else "cannot answer just now"
            raise SecretsUnreachable(f"Vault {state} ({type(error).__name__})", where=where, remedy=_DOWN) from None
        except exceptions.VaultError as error:
            raise SecretsError(
                f"Vault refuses ({type(error).__name__})",
                where=where,
                remedy="check the login in the target's `vault.auth`; Vault's audit log tells more",
            ) from None
        except SSLError:
            raise SecretsUnreachable("Vault's certificate is not trusted", where=where, remedy=_UNTRUSTED) from None
        except (RequestException, OSError) as error:
            raise SecretsUnreachable(
                f"Vault does not answer ({type(error).__name__})", where=where, remedy=_DOWN
            ) from None
