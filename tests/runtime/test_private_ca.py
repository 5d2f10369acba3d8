"""A lake in a store that speaks TLS with a certificate of an authority that no machine knows."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo.database import Database

from engine.lake.s3_signature import Credentials, signed_headers
from engine.stack.ports import LOOPBACK, free_port
from engine.stack.s3 import ACCESS_KEY, BUCKET, REGION, SECRET_KEY, MinioStore, SeaweedStore
from tests.built_servers import built, needs
from tests.faults.spec_folder import OPLAKE
from tests.private_ca import PrivateCa

pytestmark = [pytest.mark.server, pytest.mark.slow]
ENOUGH_S = 120
COMMANDS = (
    ("plan",),
    ("run", "--until-caught-up"),
    ("query", "select count(*) from things"),
    ("reconcile",),
)


class TlsStore(SeaweedStore):
    """The store of the stack, with one more listener."""

    def __init__(self, folder: Path, certificate: Path, key: Path) -> None:
        super().__init__(folder)
        self._certificate, self._key, self._tls_port = certificate, key, free_port()

    @property
    def tls_endpoint(self) -> str:
        return f"https://{LOOPBACK}:{self._tls_port}"

    def _command(self) -> Sequence[str]:
        tls = {"port.https": self._tls_port, "cert.file": self._certificate, "key.file": self._key}
        return [*super()._command(), *(f"-s3.{name}={value}" for name, value in tls.items())]


class TlsMinio(MinioStore):
    """A MinIO that speaks nothing but TLS."""

    def __init__(self, folder: Path, certificate: Path, key: Path, ca: Path) -> None:
        super().__init__(folder)
        self._pair, self._trusted = (
            (certificate, key),
            httpx.Client(verify=ssl.create_default_context(cafile=ca), timeout=5),
        )

    @property
    def tls_endpoint(self) -> str:
        return f"https://{LOOPBACK}:{self.port}"

    def _prepare(self) -> None:
        super()._prepare()
        for file, name in zip(self._pair, ("public.crt", "private.key"), strict=True):
            (self.folder / name).write_bytes(file.read_bytes())

    def _command(self) -> Sequence[str]:
        return [*super()._command(), "--certs-dir", str(self.folder)]

    def _program(self) -> str:
        return str(built("minio"))

    def _answers(self) -> bool:
        url = f"{self.tls_endpoint}/{BUCKET}"
        signed = signed_headers("PUT", url, {}, b"", Credentials(ACCESS_KEY, SECRET_KEY, "", REGION), datetime.now(UTC))
        try:
            return self._trusted.put(url, headers=signed).status_code in (200, 409)
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> PrivateCa:
    return PrivateCa(tmp_path_factory.mktemp("ca") / "ca.pem")


@pytest.fixture(scope="module")
def store(ca: PrivateCa, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsStore]:
    with TlsStore(tmp_path_factory.mktemp("store"), *ca.issue(tmp_path_factory.mktemp("tls"))) as one:
        yield one


class Project:
    """One collection, whose tables are in the store."""

    def __init__(self, folder: Path, mongo: str, namespace: str, store: TlsStore | TlsMinio) -> None:
        self._folder, self._mongo, self._store = folder, mongo, store
        pipeline = {"pipeline": "things", "source": {"collections": [namespace]}, "table": {"mode": "current"}}
        self._write("pipelines/things", pipeline)

    def trust(self, ca: Path | None) -> None:
        access, secret = self._store.key_files
        storage = {"endpoint": self._store.tls_endpoint, "access_key": f"${{file:{access}}}"}
        storage |= {"secret_key": f"${{file:{secret}}}"} | ({} if ca is None else {"ca": str(ca)})
        lake = {"uri": f"s3://{BUCKET}/{self._folder.name}", "storage": storage}
        self._write("targets/local", {"target": "local", "mongodb": {"uri": self._mongo}, "lake": lake})

    def oplake(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        known = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT")}
        command, variables = [OPLAKE, *words, "--project", str(self._folder)], known | environment
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=ENOUGH_S, check=False)

    def finish(self, *words: str, **environment: str) -> str:
        done = self.oplake(*words, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _write(self, name: str, body: object) -> None:
        file = self._folder / "specs" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body))


@pytest.fixture
def things(database: Database[Any]) -> str:
    database["things"].insert_many([{"_id": number, "n": number} for number in range(20)])
    return f"{database.name}.things"


@pytest.fixture
def project(tmp_path: Path, mongo: str, things: str, store: TlsStore) -> Project:
    return Project(tmp_path, mongo, things, store)


def test_everything_reads_and_writes_a_store_whose_authority_the_target_names(project: Project, ca: PrivateCa) -> None:
    all_commands_work(project, ca)


@needs("minio")
def test_so_does_everything_with_a_minio(
    tmp_path: Path, mongo: str, things: str, ca: PrivateCa, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pair = ca.issue(tmp_path_factory.mktemp("tls"))
    with TlsMinio(tmp_path_factory.mktemp("minio"), *pair, ca.file) as store:
        project = Project(tmp_path, mongo, things, store)
        project.trust(None)
        refused = project.oplake("plan")
        assert refused.returncode == 1
        assert "the store's certificate is not trusted" in refused.stderr
        all_commands_work(project, ca)


def all_commands_work(project: Project, ca: PrivateCa) -> None:
    project.trust(ca.file)
    project.finish("apply", "--yes")
    project.finish("run", "--until-caught-up")
    assert "20" in project.finish("query", "select count(*) from things", "--format", "csv")
    project.finish("reconcile")
    assert "No changes" in project.finish("plan")
    project.finish("status")


def test_the_authority_may_be_the_environments_instead(project: Project, ca: PrivateCa) -> None:
    project.trust(None)
    variables = {"SSL_CERT_FILE": str(ca.file)}
    project.finish("apply", "--yes", **variables)
    project.finish("run", "--until-caught-up", **variables)
    assert "20" in project.finish("query", "select count(*) from things", "--format", "csv", **variables)


def test_a_store_that_is_not_trusted_is_told_by_every_command(
    project: Project, ca: PrivateCa, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project.trust(ca.file)
    project.finish("apply", "--yes")
    project.finish("run", "--until-caught-up")
    stranger = PrivateCa(tmp_path_factory.mktemp("other") / "ca.pem")
    for trusted in (None, stranger.file):
        project.trust(trusted)
        for words in COMMANDS:
            done = project.oplake(*words)
            assert done.returncode == 1, (words, done.stderr)
            assert "the store's certificate is not trusted" in done.stderr, words
            assert "lake.storage.ca" in done.stderr


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), ("no certificate", "holds no certificate")])
def test_a_file_without_certificates_is_refused(
    project: Project, tmp_path: Path, content: str | None, why: str
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    project.trust(file)
    done = project.oplake("plan")
    assert done.returncode == 1
    assert why in done.stderr
    assert str(file) in done.stderr


def test_a_process_that_trusts_another_file_already_says_so(project: Project, ca: PrivateCa, tmp_path: Path) -> None:
    other = PrivateCa(tmp_path / "other.pem")
    project.trust(ca.file)
    done = project.oplake("plan", SSL_CERT_FILE=str(other.file))
    assert done.returncode == 1
    assert "into one file" in done.stderr
