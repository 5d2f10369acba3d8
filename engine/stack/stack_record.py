"""What a local stack consists of: the ports of its servers, and which of them are meant to run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import OperatorError, UsageError
from engine.stack.ports import lasting_port

PARTS = ("mongodb", "kafka", "connect", "s3")
"""What people choose from. A part is one server, but for ``kafka``, which may be three."""
BROKERS = (1, 3)


@dataclass(frozen=True, slots=True)
class StackRecord:
    """Kept in a file beside the data, so that a server comes back to its port."""

    ports: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Server -> its ports; a broker has one for clients and one for controllers."""
    started: Sequence[str] = ()
    """Servers that were started and not stopped since, in the order of ``PARTS``; they may have died."""

    @classmethod
    def load(cls, file: Path) -> StackRecord:
        """The record, empty when there is none.

        Raises:
            OperatorError: the file is not one that ``save`` wrote.
        """
        try:
            return cls(**json.loads(file.read_text()))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, TypeError) as error:
            raise OperatorError(
                f"the record of the local stack cannot be read ({type(error).__name__})",
                where=str(file),
                remedy="end what still runs (the pids are in process.json beside each server.log), then delete it",
            ) from None

    def save(self, file: Path) -> None:
        """Write the record, whole or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_suffix(".new")
        scratch.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")
        scratch.replace(file)

    def servers(self, parts: Iterable[str]) -> list[str]:
        """The servers of some parts."""
        return [server for part in parts for server in self.ports if part_of(server) == part]

    def with_servers(self, parts: Iterable[str], brokers: int | None) -> StackRecord:
        """The record in which these parts have ports and are meant to run.

        Args:
            brokers: how many; None means as many as there are, or one.

        Raises:
            UsageError: there is another number of brokers already.
        """
        ports = dict(self.ports)
        for part in parts:
            for server in self._brokers(brokers) if part == "kafka" else [part]:
                if server not in ports:
                    ports[server] = _fresh(2 if part == "kafka" else 1, ports)
        wanted = StackRecord(ports)
        started = {*self.started, *wanted.servers(parts)}
        return StackRecord(ports, [server for server in wanted.servers(PARTS) if server in started])

    def without(self, servers: Iterable[str]) -> StackRecord:
        """The record in which these servers are not meant to run."""
        stopped = set(servers)
        return StackRecord(self.ports, [server for server in self.started if server not in stopped])

    def _brokers(self, count: int | None) -> list[str]:
        there = self.servers(["kafka"])
        if there and count not in (None, len(there)):
            raise UsageError(
                f"this stack has {len(there)} broker(s), and their data is for so many",
                where="--brokers",
                remedy="leave it out; or `oplake stack down`, delete .oplake/stack and start anew",
            )
        return there or (["kafka"] if count in (None, 1) else [f"kafka-{node}" for node in range(1, count + 1)])


def part_of(server: str) -> str:
    """The part that a server belongs to: ``kafka`` for ``kafka-2``."""
    return server.partition("-")[0]


def _fresh(count: int, ports: Mapping[str, Sequence[int]]) -> list[int]:
    taken = {port for several in ports.values() for port in several}
    fresh: list[int] = []
    for _ in range(count):
        fresh.append(lasting_port({*taken, *fresh}))
    return fresh
