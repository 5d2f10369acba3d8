"""What is done to a project under fire: kills, and troubles that kill nobody. Each tells whether it was done."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MappingProxyType

from confluent_kafka import KafkaException
from deltalake.exceptions import DeltaError

from engine.errors import OplakeError
from engine.lake.maintenance import maintain
from engine.stack.server import Server
from tests.chaos.hosts import Hosts
from tests.chaos.project import ChaosProject
from tests.chaos.retelling import retell
from tests.chaos.rewinding import Rewinding
from tests.faults.s3_proxy import FAILURES, Fault, On, Rule

KILLS: Mapping[str, int] = MappingProxyType(
    {"guest": 7, "worker": 5, "supervisor": 2, "connect": 2, "kafka": 2, "s3": 2}
)
"""Who is killed how often among twenty kills: most often those whose place is taken soon."""
TROUBLES: Mapping[str, int] = MappingProxyType(
    {"frozen": 3, "came or went": 3, "store in trouble": 2, "tidied": 2, "told again": 2, "rewound": 1}
)
"""What else is done meanwhile."""
TROUBLED_S = 3.0
IMPATIENT = {"max_retries": "1", "retry_timeout": "5s", "timeout": "10s", "connect_timeout": "2s"}


class Blows:
    """Everything that can be done to the project."""

    def __init__(self, project: ChaosProject, hosts: Hosts, chance: random.Random) -> None:
        self._project, self._hosts, self._random = project, hosts, chance
        self._servers = project.servers
        self._rewinding = Rewinding(self._servers.connect.url, [f"local.{table.name}" for table in project.tables])
        self._rewinder: threading.Thread | None = None
        self._calm_again_at = 0.0
        self._blows: Mapping[str, Callable[[], bool]] = {
            "guest": hosts.kill_guest,
            "worker": hosts.kill_worker,
            "supervisor": hosts.kill_supervisor,
            **{name: partial(self._kill_server, server) for name, server in self._servers.mortal.items()},
            "frozen": hosts.freeze,
            "came or went": hosts.come_or_go,
            "store in trouble": self._trouble_store,
            "tidied": self._tidy,
            "told again": self._tell_again,
            "rewound": self._rewind,
        }

    @property
    def text(self) -> str:
        """How the connectors are, and the end of what was logged."""
        return f"{self._rewinding.states()}\n{self._hosts.text}"

    @property
    def rewound(self) -> int:
        """How often a connector was taken back in the end: Connect is not always in a state to do so."""
        return self._rewinding.done

    def begin(self) -> None:
        """Every connector streams by now: note where."""
        self._rewinding.remember()

    def strike(self, blow: str) -> bool:
        """Do it; False when it cannot be done just now."""
        return self._blows[blow]()

    def look_after(self) -> None:
        """What was done some time ago comes to its end, and servers that ended by themselves are started again."""
        self._hosts.look_after()
        for server in self._servers.mortal.values():
            server.launch()
        if self._calm_again_at and time.monotonic() > self._calm_again_at:
            self._calm_store()

    def end(self) -> None:
        """Undo it all: every server answers, and every connector runs."""
        for server in self._servers.mortal.values():
            server.start()
        self._calm_store()
        if self._rewinder is not None:
            self._rewinder.join()
        self._rewinding.resume_all()

    @staticmethod
    def _kill_server(server: Server) -> bool:
        """Its start is waited for by nobody, least of all by the next blow."""
        if not server.is_healthy:
            return False
        server.kill()
        server.launch()
        return True

    def _trouble_store(self) -> bool:
        forgets = Rule(On.LOG, (Fault.UNKNOWN,), odds=0.01)
        self._servers.proxy.suffer(Rule(On.COMMIT, FAILURES, odds=0.3), forgets, Rule(On.ANY, FAILURES, odds=0.03))
        self._calm_again_at = time.monotonic() + TROUBLED_S
        return True

    def _calm_store(self) -> None:
        self._calm_again_at = 0.0
        self._servers.proxy.suffer()
        self._servers.proxy.deliver_late()

    def _tidy(self) -> bool:
        """Compact and vacuum a table, while others append and fold; one that comes first is a conflict at most."""
        table = self._random.choice(self._project.tables)
        done = False
        for uri in (table.paths.changes, table.folded):
            with suppress(OplakeError, DeltaError, OSError):
                maintain(uri, (), timedelta(0), datetime.now(UTC), {**table.options, **IMPATIENT})
                done = True
        return done

    def _tell_again(self) -> bool:
        table = self._random.choice(self._project.tables)
        with suppress(KafkaException):
            return retell(self._servers.kafka.bootstrap_servers, table.topic, self._random) > 0
        return False

    def _rewind(self) -> bool:
        """In a thread of its own: Connect takes its time over it."""
        if self._rewinder is not None and self._rewinder.is_alive():
            return False
        name = f"local.{self._random.choice(self._project.tables).name}"
        self._rewinder = threading.Thread(target=self._rewinding.rewind, args=[name], daemon=True)
        self._rewinder.start()
        return True
