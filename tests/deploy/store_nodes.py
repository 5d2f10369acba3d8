"""Four MinIO hosts of two disks each, as docs/operations.md has them, in a network of their own on this machine.

MinIO refuses nodes that share addresses, and disks that are one. So who uses this runs behind ``in_a_network``: there
``s3-1`` to ``s3-4`` are hosts with a network card each, on one switch, and each disk is a file system of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from engine.stack.s3 import MinioStore
from tests.built_servers import built

HOSTS, DISKS = 4, 2
FOLDER = "OPLAKE_STORE_NODES"
"""The variable that names the folder of the disks to whoever runs in the network."""
NETWORK = ("unshare", "--user", "--map-root-user", "--net", "--mount")
SETTINGS = "MINIO_STORAGE_CLASS_STANDARD=EC:4 MINIO_PROMETHEUS_AUTH_TYPE=public"
SERVER = "minio server --address :9000 'http://s3-{1...4}:9000/mnt/disk{1...2}'"
"""Both as docs/operations.md has them."""
_PREPARED = """
set -e
ip link set lo up
mount --bind "$1/hosts" /etc/hosts
mount -t tmpfs places /mnt
mkdir /mnt/disk1 /mnt/disk2
mount -t tmpfs names /run
ip link add switch type bridge
ip address add 10.77.0.254/24 dev switch
ip link set switch up
for host in 1 2 3 4; do
    ip netns add "s3-$host"
    ip link add "port$host" type veth peer name card netns "s3-$host"
    ip link set "port$host" master switch up
    ip -netns "s3-$host" address add "10.77.0.$host/24" dev card
    ip -netns "s3-$host" link set card up
    ip -netns "s3-$host" link set lo up
    for disk in 1 2; do
        mkdir -p "$1/s3-$host/disk$disk"
        mount -t tmpfs disk "$1/s3-$host/disk$disk"
    done
done
shift
exec "$@"
"""


def in_a_network(folder: Path, command: Sequence[str]) -> list[str]:
    """The command that runs another one in the network.

    Args:
        folder: gets the disks, which only that command sees.
    """
    hosts = "".join(f"10.77.0.{number} s3-{number}\n" for number in range(1, HOSTS + 1))
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n{hosts}")
    return [*NETWORK, "sh", "-c", _PREPARED, "network", str(folder), *command]


def needs_a_network() -> pytest.MarkDecorator:
    """Marks tests that make one: not everybody may, but continuous integration must."""
    tools = all(shutil.which(tool) for tool in ("unshare", "ip"))
    is_allowed = tools and subprocess.run([*NETWORK, "true"], capture_output=True, check=False).returncode == 0
    return pytest.mark.skipif(
        not os.environ.get("CI") and not is_allowed, reason="needs leave to make network namespaces (unshare, ip)"
    )


class Node(MinioStore):
    """One of the hosts."""

    def __init__(self, folder: Path, number: int) -> None:
        """``folder``: the one that the network was made with."""
        super().__init__(folder / f"s3-{number}", 9000)
        self.host = f"s3-{number}"

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}"

    def takes_writes(self) -> bool:
        """What a load balancer, or a person, asks."""
        try:
            return httpx.get(f"{self.address}/minio/health/cluster", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def _environment(self) -> dict[str, str]:
        return {name: value for name, value in super()._environment().items() if "ROOT" in name}

    def _command(self) -> Sequence[str]:
        # A host's disks are at the same places on each: it gets a view of the file system of its own.
        disks = [f"mount --bind {self.folder}/disk{number} /mnt/disk{number}" for number in range(1, DISKS + 1)]
        command = f"exec env {SETTINGS} {SERVER.replace('minio', str(built('minio')), 1)}"
        host = ("nsenter", f"--net=/run/netns/{self.host}", "unshare", "--mount")
        return [*host, "sh", "-c", " && ".join([*disks, command])]

    def _answers(self) -> bool:
        return self.takes_writes()
