"""What Kafka Connect says of a connector's state, in a few words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_USER_INFO = re.compile(r"(//)[^@/\s]+@")
MAX_TRACE = 300
FAILED = "FAILED"
RUNNING = "RUNNING"
_MEANS: Mapping[str, str] = {"PAUSED": "paused", "STOPPED": "stopped"}


@dataclass(frozen=True, slots=True)
class ConnectorState:
    """A connector and its tasks."""

    state: str
    """As Connect names it, upper case; ``UNKNOWN`` before it says anything."""
    tasks: tuple[str, ...] = ()
    trace: str = ""
    """The first line of what failed; empty when nothing has."""

    @property
    def is_failed(self) -> bool:
        """Whether the connector or one of its tasks has failed."""
        return FAILED in (self.state, *self.tasks)

    @property
    def is_running(self) -> bool:
        """Whether all of it runs."""
        return self.state == RUNNING and bool(self.tasks) and set(self.tasks) == {RUNNING}

    @property
    def word(self) -> str:
        """The spec's word for it, or ``failed``: a connector that starts is one that runs."""
        return "failed" if self.is_failed else _MEANS.get(self.state, "running")

    def text(self) -> str:
        """``RUNNING, task RUNNING``."""
        return ", ".join([self.state, *(f"task {state}" for state in self.tasks)])


def read_state(status: Mapping[str, Any] | None) -> ConnectorState:
    """The state in an answer of Connect's; None is "nothing known yet"."""
    if status is None:
        return ConnectorState("UNKNOWN")
    connector, tasks = status.get("connector", {}), status.get("tasks", [])
    traces = [str(part["trace"]) for part in (connector, *tasks) if part.get("trace")]
    return ConnectorState(
        str(connector.get("state", "UNKNOWN")),
        tuple(str(task.get("state", "UNKNOWN")) for task in tasks),
        first_line(traces[0]) if traces else "",
    )


def first_line(trace: str) -> str:
    """The first line of a stack trace, without user names and passwords; with its cause where there is one."""
    lines = [line.strip() for line in trace.splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    told = lines[:1] + causes[-1:]
    return without_user_info("; caused by ".join(told))[:MAX_TRACE]


def without_user_info(text: str) -> str:
    """A text with stars for the user names and passwords in its addresses."""
    return _USER_INFO.sub(r"\1***@", text)
