"""Carries out one step of a connector's change; every step can be carried out twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from engine.errors import PlanRefused, TransportError
from engine.resources.change import Cause, Change
from engine.resources.connect_rest import ConnectRest
from engine.resources.connector_compare import snapshots_of
from engine.resources.connector_desired import STATE
from engine.resources.connector_states import ConnectorState, read_state
from engine.resources.three_way import CONFIG
from engine.telemetry.crash_points import reach

START_DEADLINE_S = 90.0
STALE_S = 10.0
SETTLE_S = 1.5
"""A task that cannot work says RUNNING for a moment first."""
_LOOK_S = 0.25
NEW_PLAN = "make a new plan: oplake plan"


class ConnectorSteps:
    """The steps of connectors in one Connect cluster.

    Args:
        signal: (change, collections) asks the running connector for another snapshot of them.
        reset_offsets: whether a new connector may forget what an earlier one of its name had got to.
    """

    def __init__(
        self, rest: ConnectRest, signal: Callable[[Change, tuple[str, ...]], None], *, reset_offsets: bool
    ) -> None:
        self._rest = rest
        self._signal = signal
        self._reset_offsets = reset_offsets

    def halt(self, name: str) -> None:
        """Stop the connector and wait until its task has ended; one that is not there is fine."""
        if self._rest.config(name) is None:
            return
        self._rest.stop(name)
        self._wait(name, lambda state: state.state == "STOPPED" and not state.tasks, "stopped")

    def erase(self, name: str) -> None:
        """Delete the connector and how far it has got: one made later of this name has to copy everything."""
        if self._rest.config(name) is None:
            return
        self.halt(name)
        self._rest.delete_offsets(name)
        reach("apply.connector.forgotten")
        self._rest.delete(name)

    def create(self, name: str, change: Change, config: Mapping[str, str], *, resumed: bool) -> None:
        """Create the connector, and let it run once it is sure from where."""
        if self._rest.config(name) is not None:
            if not resumed:
                raise PlanRefused("the connector has appeared since the plan was made", where=name, remedy=NEW_PLAN)
        else:
            self._rest.create_stopped(name, config)
            self._start_from(name, change)
        reach("apply.connector.created")
        self.alter(name, change, config)

    def alter(self, name: str, change: Change, config: Mapping[str, str]) -> None:
        """Give the connector this configuration and state, and take the snapshots that are due.

        Raises:
            TransportError: it fails, or does not run in time.
        """
        live = self._rest.config(name)
        before = read_state(None if live is None else self._rest.status(name))
        if live is None or {key: value for key, value in live.items() if key != "name"} != config:
            self._rest.put(name, config)
        wanted = str(change.desired.get(STATE, "running"))
        if wanted == "stopped":
            self.halt(name)
            return
        if wanted == "paused":
            self._rest.pause(name)
            self._wait(name, lambda state: state.state == "PAUSED", "paused")
            return
        self._rest.resume(name)
        if before.is_failed:
            # A task whose own part of the configuration is as it was would stay failed.
            self._rest.restart(name)
        self._wait_until_it_runs(name, before.trace)
        if snapshots_of(change):
            self._signal(change, snapshots_of(change))

    def _start_from(self, name: str, change: Change) -> None:
        """Offsets of an earlier connector would make Debezium pass over the first snapshot."""
        if change.cause is Cause.DRIFT or not self._rest.offsets(name):
            return
        if self._reset_offsets:
            self._rest.delete_offsets(name)
            return
        self._rest.delete(name)
        raise PlanRefused(
            "Kafka Connect still holds the offsets of an earlier connector of this name: the new one would go on from "
            "them and copy nothing",
            where=f"connector {name}",
            remedy="apply with --reset-offsets to forget them and copy everything, or set transport.kafka.topic_prefix",
        )

    def _wait_until_it_runs(self, name: str, old_trace: str) -> None:
        self._wait(name, lambda state: state.is_running, "running", old_trace)
        time.sleep(SETTLE_S)
        self._wait(name, lambda state: state.is_running, "running", old_trace)

    def _wait(self, name: str, is_there: Callable[[ConnectorState], bool], word: str, old_trace: str = "") -> None:
        """Wait until Connect says that it is so; a failure from before is shown for a while yet."""
        begun = time.monotonic()
        while True:
            state = read_state(self._rest.status(name))
            if is_there(state):
                return
            waited = time.monotonic() - begun
            is_old = bool(old_trace) and state.trace == old_trace and waited < STALE_S
            if state.is_failed and word == "running" and not is_old:
                raise TransportError(
                    f"the connector has failed: {state.trace or state.text()}",
                    where=f"connector {name}",
                    remedy="put that right, then apply again; the worker's log has the whole trace",
                )
            if waited > START_DEADLINE_S:
                raise TransportError(
                    f"the connector is not {word} after {START_DEADLINE_S:.0f} s ({state.text()})",
                    where=f"connector {name}",
                    remedy="the worker's log says what it waits for; then apply again",
                )
            time.sleep(_LOOK_S)


def config_of(attributes: Mapping[str, object]) -> dict[str, str]:
    """The settings below ``config.``."""
    return {path.removeprefix(CONFIG): str(value) for path, value in attributes.items() if path.startswith(CONFIG)}
