"""An S3 store with two gateways, and nginx with the committed configuration before the nodes of a store."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.errors import CommitConflict
from engine.lake.change_log import ChangeLog
from engine.lake.delta_errors import NoTable, StoreSilent
from engine.stack.ports import LOOPBACK, free_port
from engine.stack.s3 import S3Store, SeaweedStore, find_weed
from tests.deploy.prometheus import ROOT
from tests.lake.changes import Change, rows
from tests.patience import wait_until

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_nginx = pytest.mark.skipif(not os.environ.get("CI") and not NGINX, reason="needs nginx (Debian: nginx-light)")
MAIN = """\
user root;
pid nginx.pid;
error_log stderr warn;
events {}
http {
    log_format nodes '$upstream_addr';
    access_log access.log nodes;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include s3.conf;
}
"""


class Store(SeaweedStore):
    """Remembers its command, which names the ports of its parts."""

    words: Sequence[str] = ()

    def _command(self) -> Sequence[str]:
        self.words = super()._command()
        return self.words

    def port_of(self, part: str) -> str:
        flag = f"-{part}="
        return next(word.removeprefix(flag) for word in self.words if word.startswith(flag))


class Gateway(S3Store):
    """One more way into a store that runs."""

    def __init__(self, folder: Path, store: Store) -> None:
        super().__init__(folder)
        self._store = store

    def _command(self) -> Sequence[str]:
        filer = f"{LOOPBACK}:{self._store.port_of('filer.port')}.{self._store.port_of('filer.port.grpc')}"
        return [
            *(find_weed(), "s3", f"-ip.bind={LOOPBACK}", f"-port={self.port}", f"-port.grpc={free_port()}"),
            *(f"-filer={filer}", f"-config={self._store.folder / 's3.json'}", "-port.iceberg=0", "-port.lance=0"),
        ]


class Balancer(S3Store):
    """One address for all nodes."""

    def __init__(self, folder: Path, nodes: Sequence[str]) -> None:
        """``nodes``: the host and port of each."""
        super().__init__(folder)
        self._nodes = nodes

    def _prepare(self) -> None:
        super()._prepare()
        committed = ROOT / "deploy" / "nginx"
        text = (committed / "s3.conf").read_text()
        assert text.count("listen 9000;") == 1
        (self.folder / "s3.conf").write_text(text.replace("listen 9000;", f"listen {LOOPBACK}:{self.port};"))
        lines = (committed / "s3-nodes.conf").read_text().splitlines()
        (first,) = (line for line in lines if line.startswith("server s3-1:9000 "))
        nodes = [first.replace("s3-1:9000", node) for node in self._nodes]
        (self.folder / "s3-nodes.conf").write_text("\n".join(nodes))
        (self.folder / "nginx.conf").write_text(MAIN)

    def requests(self) -> Sequence[str]:
        """Of each request the addresses of the nodes that it was sent to, separated by commas."""
        return (self.folder / "access.log").read_text().splitlines()

    def _command(self) -> Sequence[str]:
        return [str(NGINX), "-p", str(self.folder), "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"]


def append(log: ChangeLog, number: int) -> ChangeLog:
    """Append one event as a run does: after an error the log, opened anew, tells whether it was written."""
    held: list[ChangeLog] = [log]

    def is_written() -> bool:
        try:
            log = held.pop() if held else ChangeLog.open(uri, options)
            if log.position()["p"] < number:
                log.append(rows([Change(str(number), number, "c")], log.columns()), {"p": number})
        except (CommitConflict, StoreSilent, NoTable):
            return False
        held.append(log)
        return True

    uri, options = log.uri, log.storage_options
    wait_until(is_written)
    return held.pop()
