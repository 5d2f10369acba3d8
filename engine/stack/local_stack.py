"""The local stack: all servers below one folder, started together and found again by whoever asks next."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.errors import OperatorError, OplakeError, UsageError
from engine.stack.connect import SECRETS, URI_KEY, ConnectWorker
from engine.stack.kafka import KafkaBroker
from engine.stack.mongodb import MongoServer
from engine.stack.ports import LOOPBACK, is_taken
from engine.stack.s3 import local_store
from engine.stack.server import Server
from engine.stack.stack_record import PARTS, StackRecord, part_of


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server that was started."""

    name: str
    state: str
    """``healthy``; ``no answer`` while the process lives; ``dead``."""
    pid: int | None
    address: str
    log: Path

    @property
    def is_healthy(self) -> bool:
        """Whether it runs and answers."""
        return self.state == "healthy"


class LocalStack:
    """The servers of one folder. One process at a time changes what runs."""

    def __init__(self, folder: Path) -> None:
        """Nothing runs before ``up``.

        Args:
            folder: holds a folder for each server, and ``stack.json``.
        """
        self.folder = folder.resolve()

    @property
    def record_file(self) -> Path:
        """Where the ports are kept."""
        return self.folder / "stack.json"

    def up(self, parts: Sequence[str] = PARTS, brokers: int | None = None) -> None:
        """Start what does not run yet, and wait until it answers.

        Raises:
            UsageError: Connect is to start without brokers, or there is another number of brokers already.
            ToolMissing: a program is not installed. What does not need it is started.
            OperatorError: a server does not come up.
        """
        with self._alone():
            record = self._record().with_servers(parts, brokers)
            if "connect" in parts and not any(part_of(server) == "kafka" for server in record.started):
                raise UsageError("Kafka Connect needs Kafka", where="--only", remedy="write --only kafka,connect")
            record.save(self.record_file)
            self._start(record, record.servers(parts))

    def down(self, parts: Sequence[str] = PARTS) -> list[str]:
        """Stop servers in good order: Connect before the brokers. Their data stays.

        Returns:
            The servers that had been started.
        """
        with self._alone():
            record = self._record()
            stopped = [server for server in record.servers(parts) if server in record.started]
            self._stop(record, stopped)
            if record.started:
                record.without(stopped).save(self.record_file)
            return stopped

    def restart(self, name: str) -> None:
        """Stop and start a part or a server, on the same port.

        Raises:
            UsageError: it was not started.
            OperatorError: it does not come up.
        """
        with self._alone():
            record, servers = self._started(name)
            self._stop(record, servers)
            self._start(record, servers)

    def kill(self, name: str) -> list[str]:
        """SIGKILL a part or a server; ``up`` and ``restart`` bring it back with its data.

        Returns:
            The servers that ran.

        Raises:
            UsageError: it was not started.
        """
        with self._alone():
            record, servers = self._started(name)
            running = [(name, server) for name, server in self.servers(record, servers).items() if server.pid]
            for _, server in running:
                server.kill()
            return [name for name, _ in running]

    def status(self, parts: Sequence[str] = PARTS) -> list[ServerStatus]:
        """Every server of these parts that was started and not stopped since."""
        record = self._record()
        servers = self.servers(record, [server for server in record.started if part_of(server) in parts])
        with ThreadPoolExecutor(max(1, len(servers))) as pool:
            return list(pool.map(_status, servers, servers.values()))

    def servers(self, record: StackRecord, names: Iterable[str]) -> dict[str, Server]:
        """Handles of servers, running or not."""
        return {name: self._server(record, name) for name in names}

    def addresses(self) -> dict[str, str]:
        """Part -> its address, of what was started; of several brokers all, separated by commas."""
        record = self._record()
        found: dict[str, list[str]] = {}
        for name, server in self.servers(record, record.started).items():
            found.setdefault(part_of(name), []).append(server.address)
        return {part: ",".join(addresses) for part, addresses in found.items()}

    @property
    def connect_secrets(self) -> Path:
        """The file of secrets that Connect reads; it holds MongoDB's connection string as ``URI_KEY``."""
        return self.folder / "connect" / SECRETS

    def brokers(self) -> int:
        """How many brokers there are, running or not."""
        return len(self._record().servers(["kafka"]))

    def _server(self, record: StackRecord, name: str) -> Server:
        folder, port = self.folder / name, record.ports[name][0]
        brokers = record.servers(["kafka"])
        match part_of(name):
            case "mongodb":
                return MongoServer(folder, port=port)
            case "s3":
                return local_store(folder, port)
            case "connect":
                servers = ",".join(f"{LOOPBACK}:{record.ports[broker][0]}" for broker in brokers)
                mongodb = record.servers(["mongodb"])
                return ConnectWorker(
                    folder,
                    bootstrap_servers=servers,
                    port=port,
                    replication=len(brokers),
                    secrets={URI_KEY: self._server(record, mongodb[0]).address} if mongodb else {},
                )
            case _:
                voters = [f"{node}@{LOOPBACK}:{record.ports[broker][1]}" for node, broker in enumerate(brokers, 1)]
                node, controller = brokers.index(name) + 1, record.ports[name][1]
                return KafkaBroker(folder, port=port, controller_port=controller, node=node, voters=voters)

    def _start(self, record: StackRecord, names: Sequence[str]) -> None:
        def start(name: str, server: Server) -> None:
            if server.pid is None:
                self._require_ports(name, record.ports[name])
            server.start()

        _each(self.servers(record, names), start, lambda name: "kafka" if name == "connect" else "")

    def _stop(self, record: StackRecord, names: Sequence[str]) -> None:
        servers = self.servers(record, reversed(names))
        _each(servers, lambda _, server: server.stop(), lambda name: "connect" if part_of(name) == "kafka" else "")

    def _require_ports(self, name: str, ports: Sequence[int]) -> None:
        for port in ports:
            if is_taken(port):
                raise OperatorError(
                    f"another program has taken port {port}, which {name} had",
                    where=str(self.record_file),
                    remedy="end that program; or `oplake stack down`, delete the file and write targets again",
                )

    def _started(self, name: str) -> tuple[StackRecord, list[str]]:
        record = self._record()
        servers = [server for server in record.started if name in (server, part_of(server))]
        if not servers:
            there = ", ".join(record.started) or "nothing"
            raise UsageError(
                f"`{name}` was not started; started: {there}", remedy="`oplake stack up` starts, --only chooses"
            )
        return record, servers

    def _record(self) -> StackRecord:
        return StackRecord.load(self.record_file)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _each(servers: Mapping[str, Server], act: Callable[[str, Server], None], after: Callable[[str], str]) -> None:
    """Do something to all servers at once, but to some only when it is done to those of another part.

    Args:
        servers: those that others wait for come before them.
        after: server -> the part that it waits for, or "".

    Raises:
        OplakeError: the failure, when all others are done; several are told in one.
    """
    under_way: dict[str, Future[None]] = {}

    def act_in_turn(name: str, server: Server, first: Sequence[Future[None]]) -> None:
        for other in first:
            other.result()
        act(name, server)

    with ThreadPoolExecutor(max(1, len(servers))) as pool:
        for name, server in servers.items():
            first = [future for other, future in under_way.items() if part_of(other) == after(name)]
            under_way[name] = pool.submit(act_in_turn, name, server, first)
    _raise([error for future in under_way.values() if (error := future.exception()) is not None])


def _raise(errors: Sequence[BaseException]) -> None:
    failures = list({str(error): error for error in errors}.values())
    told = [failure for failure in failures if isinstance(failure, OplakeError)]
    for failure in failures:
        if len(failures) == 1 or failure not in told:
            raise failure
    if told:
        raise OperatorError(
            "; ".join(failure.what for failure in told),
            where="; ".join(failure.where for failure in told),
            remedy="; ".join(failure.remedy for failure in told),
        )


def _status(name: str, server: Server) -> ServerStatus:
    pid = server.pid
    state = "dead" if pid is None else "healthy" if server.is_healthy else "no answer"
    return ServerStatus(name, state, pid, server.address, server.log)
