"""The kind ``connector``: a pipeline's Debezium connector in Kafka Connect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from engine.errors import PlanRefused, TransportError
from engine.resources.asked import Asked
from engine.resources.change import Action, Change
from engine.resources.connect_rest import ConnectRest
from engine.resources.connector_act import ConnectorSteps, config_of
from engine.resources.connector_checks import (
    CLASS,
    RenderedConnector,
    collection_problems,
    failure,
    refused_settings,
    risks,
)
from engine.resources.connector_compare import (
    compare_connector,
    connector_consequences,
    follow_topics,
    snapshots_of,
    upstream_of,
)
from engine.resources.connector_desired import DIGEST, KIND, STATE, connector_of, digest_of, is_secret, render
from engine.resources.connector_states import read_state
from engine.resources.kafka_client import client_config
from engine.resources.notice import Notice
from engine.resources.resource import ABSENT, Around, Desired, Kind, Observed, Sides, Verb
from engine.resources.signals import ask_for_snapshot
from engine.resources.standing import Standing
from engine.resources.three_way import CONFIG
from engine.spec.target import Kafka, Target
from engine.state.applied import Applied
from engine.state.canonical import Json

VALIDATORS = 8
"""Connectors validated at the same time."""
_MASKED = re.compile(r"\*{3,}|\[hidden\]|\[?redacted\]?", re.IGNORECASE)


class ConnectorKind(Kind):
    """Connectors of one Connect cluster (``engine.resources.resource.Kind``)."""

    name = KIND

    def __init__(self, target: Target, kafka: Kafka, rest: ConnectRest, *, reset_offsets: bool = False) -> None:
        self._target = target
        self._kafka = kafka
        self._rest = rest
        self._steps = ConnectorSteps(rest, self._signal, reset_offsets=reset_offsets)
        self._rendered: dict[str, RenderedConnector] = {}
        self._traces: dict[str, str] = {}
        """Address of a connector that has failed -> the first line of why."""

    def desired(self, asked: Asked, before: Sequence[Desired]) -> Iterator[Desired]:
        """One connector a pipeline; none while it has no collections."""
        if not asked.namespaces:
            return
        rendering = render(asked, self._kafka)
        needs = tuple(one.address for one in before)
        wanted = connector_of(asked, self._kafka, rendering, needs)
        self._rendered[wanted.address] = RenderedConnector(asked, self._kafka, rendering)
        yield wanted

    def problems(self, asked: Asked) -> Iterator[Notice]:
        """Collections that no connector can follow as it is set up."""
        return collection_problems(asked, self._kafka)

    def observe(self, desired: Desired | None, applied: Applied | None) -> Observed:
        """The connector."""
        name = _name(Sides(desired, applied))
        config = self._rest.config(name)
        status = None if config is None else self._rest.status(name)
        return _observed(config, status, Sides(desired, applied))

    def observe_all(self, sides: Mapping[str, Sides]) -> dict[str, Observed]:
        """All connectors in one request."""
        live = self._rest.connectors()

        states = {address: read_state((live.get(_name(side)) or {}).get("status")) for address, side in sides.items()}
        self._traces = {address: state.trace or state.text() for address, state in states.items() if state.is_failed}

        def look(side: Sides) -> Observed:
            found = live.get(_name(side))
            return ABSENT if found is None else _observed(found["info"]["config"], found.get("status"), side)

        return {address: look(side) for address, side in sides.items()}

    def compare(self, desired: Desired | None, applied: Applied | None, observed: Observed) -> Change:
        """The three-way difference."""
        return compare_connector(desired, applied, observed)

    def follow(self, change: Change, remade: Sequence[Change], observed: Observed) -> Change:  # noqa: ARG002  Kind's
        """Collections are copied again whose topics or tables begin anew."""
        return follow_topics(change, remade)

    def act(self, verb: Verb, change: Change, *, resumed: bool) -> Observed:
        """Carry out one step.

        Raises:
            PlanRefused: the world is another than the plan's, or the secrets are.
            TransportError: Connect refuses, or the connector fails.
        """
        name = str(change.desired["name"])
        match verb:
            case Verb.FORGET:
                return ABSENT
            case Verb.ERASE:
                self._steps.erase(name)
                return ABSENT
            case Verb.HALT:
                self._steps.halt(name)
            case Verb.CREATE:
                self._steps.create(name, change, self._config(change), resumed=resumed)
            case Verb.ALTER:
                self._steps.alter(name, change, self._config(change))
            case Verb.RECORD:
                pass
        wanted = Desired(change.address, KIND, change.title, change.pipeline, change.desired)
        return self.observe(wanted, None)

    def title(self, applied: Applied) -> str:
        """Its name."""
        return str(applied.attributes["name"])

    def upstream(self, applied: Applied) -> tuple[str, ...]:
        """Its topics, and the tables made from them."""
        return upstream_of(applied)

    def warnings(self, asked: Sequence[Asked], changes: Sequence[Change]) -> Iterator[Notice]:  # noqa: ARG002  Kind's
        """What Connect does not accept, and what is risky."""
        due = {change.address for change in changes if change.action in {Action.CREATE, Action.UPDATE}}
        ours = {address: one for address, one in self._rendered.items() if address in {c.address for c in changes}}
        with ThreadPoolExecutor(VALIDATORS) as pool:
            refused = pool.map(
                lambda one: list(refused_settings(self._rest, one)), [ours[a] for a in sorted(ours) if a in due]
            )
            yield from (notice for found in refused for notice in found)
        for address, one in ours.items():
            yield from risks(one)
            if address in self._traces:
                yield failure(one, self._traces[address])

    def consequences(self, change: Change, around: Around) -> tuple[str, ...]:
        """In documents that are copied."""
        names = snapshots_of(change)
        one = self._rendered.get(change.address)
        if change.action is Action.CREATE and one is not None:
            names = one.asked.namespaces
        counts = [around.source.documents(name) for name in names] if around.source is not None else []
        known = [number for number in counts if number is not None]
        return connector_consequences(change, sum(known) if known else None)

    def standings(self, changes: Sequence[Change]) -> Iterator[Standing]:
        """The state of each connector and its tasks."""
        try:
            live = self._rest.connectors()
        except TransportError as error:
            for change in changes:
                yield Standing(change.pipeline, KIND, change.title, "unknown", problem=error.what)
            return
        for change in changes:
            found = live.get(change.title)
            if found is None:
                yield Standing(change.pipeline, KIND, change.title, "missing")
                continue
            state = read_state(found.get("status"))
            facts: dict[str, Json] = {"tasks": list(state.tasks), "drift": change.drifted}
            yield Standing(
                change.pipeline, KIND, change.title, _word(change, state.state), state.text(), state.trace, facts
            )

    def followed(self) -> dict[str, tuple[str, ...]]:
        """Address of each connector that was planned -> its collections."""
        return {address: one.asked.namespaces for address, one in self._rendered.items()}

    def snapshot(self, address: str, collections: Sequence[str]) -> None:
        """Ask a running connector for another snapshot of some of its collections.

        Raises:
            TransportError: it does not run, or Kafka does not take the signal.
        """
        one = self._rendered[address]
        state = read_state(self._rest.status(one.name))
        if not state.is_running:
            raise TransportError(
                f"the connector does not run ({state.text()}), so nobody would take the snapshot",
                where=f"connector {one.name}",
                remedy="`oplake status` says why; then ask again",
            )
        self._send(one.rendering.raw, collections)

    def _signal(self, change: Change, collections: tuple[str, ...]) -> None:
        self._send(config_of(change.desired), collections)

    def _send(self, config: Mapping[str, str], collections: Sequence[str]) -> None:
        ask_for_snapshot(client_config(self._kafka), config["signal.kafka.topic"], config["topic.prefix"], collections)

    def _config(self, change: Change) -> dict[str, str]:
        """The settings with their secrets, which plans hold as digests."""
        one = self._rendered.get(change.address)
        known = [] if one is None else list(one.rendering.raw.values())
        uri = self._target.mongodb.uri
        known += [] if uri.template.uses_vault else [uri.reveal()]
        secrets = {digest_of(value): value for value in known}
        config = config_of(change.desired)
        for name, value in config.items():
            if not value.startswith(DIGEST):
                continue
            if value not in secrets:
                raise PlanRefused(
                    f"the secret in `{name}` is another now than when the plan was made",
                    where=f"connector {change.title}",
                    remedy="make a new plan: oplake plan",
                )
            config[name] = secrets[value]
        return config


def _word(change: Change, state: str) -> str:
    return "drift" if change.drifted else state


def _name(side: Sides) -> str:
    either = side.desired or side.applied
    assert either is not None  # noqa: S101  nobody asks about a connector that is in neither
    return str(either.attributes["name"])


def _observed(config: Mapping[str, str] | None, status: Mapping[str, Any] | None, side: Sides) -> Observed:
    if config is None:
        return ABSENT
    expected = {
        **(side.desired.attributes if side.desired else {}),
        **(side.applied.attributes if side.applied else {}),
    }
    # A state that Connect does not know yet is no difference.
    state = expected.get(STATE) if status is None else read_state(status).word
    attributes: dict[str, Json] = {STATE: state}
    for name, value in config.items():
        if name != "name":
            attributes[f"{CONFIG}{name}"] = _shown(name, value, expected.get(f"{CONFIG}{name}"))
    is_ours = side.applied is not None or side.desired is None or _same_class(config, side.desired)
    return Observed(exists=True, identity="connector", attributes=attributes, is_ours=is_ours)


def _same_class(config: Mapping[str, str], desired: Desired) -> bool:
    return config.get(CLASS) == desired.attributes.get(f"{CONFIG}{CLASS}")


def _shown(name: str, value: str, expected: Json) -> Json:
    """A live setting as a plan may hold it. One that Connect masks cannot be compared: it is taken as it should be."""
    is_hidden = isinstance(expected, str) and expected.startswith(DIGEST)
    if (is_hidden or is_secret(name, value)) and _MASKED.fullmatch(value):
        return expected
    if value.startswith("${") and value.endswith("}"):
        return value
    return digest_of(value) if is_hidden or is_secret(name, value) else value
