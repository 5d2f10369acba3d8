"""``oplake serve`` and ``oplake keys`` as they are typed."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.command_line import START, oplake

TARGET = """\
target: local
mongodb: {uri: "mongodb://127.0.0.1:1/?replicaSet=rs0"}
lake: {uri: lake}
"""
PATIENCE_S = 60.0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "specs" / "targets"
    folder.mkdir(parents=True)
    (folder / "local.yaml").write_text(TARGET)
    return tmp_path


def test_a_port_that_is_taken_is_told_as_every_error_is(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = oplake("serve", "--port", str(port), folder=project)
    assert done.returncode == 1
    assert "error[address-unusable] cannot listen: Address already in use" in done.stderr
    assert f"--port {port}" in done.stderr


def test_an_address_of_another_machine_is_told_as_every_error_is(project: Path) -> None:
    done = oplake("serve", "--host", "192.0.2.1", "--port", "0", folder=project)
    assert done.returncode == 1
    assert "error[address-unusable]" in done.stderr


@pytest.mark.server
@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_service_says_where_it_listens(project: Path, workers: str) -> None:
    command = [sys.executable, "-c", START, "serve", "--port", "0", "--workers", workers]
    with subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, text=True) as process:
        silent = threading.Timer(PATIENCE_S, process.kill)
        silent.start()
        try:
            assert process.stderr is not None
            where = urlsplit(json.loads(process.stderr.readline())["address"])
            connection = HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE_S)
            connection.request("GET", "/api/v1/health")
            assert connection.getresponse().status == 200
            connection.close()
        finally:
            silent.cancel()
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE_S)


@pytest.mark.parametrize("name", ["", "  ", "ann\nbob"])
def test_a_key_has_a_name_that_the_list_can_show(project: Path, name: str) -> None:
    done = oplake("keys", "create", name, folder=project)
    assert done.returncode == 2
    assert done.stdout == ""
    assert oplake("keys", "list", folder=project).stdout == ""
