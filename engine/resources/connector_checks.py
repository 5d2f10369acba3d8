"""What the running Kafka Connect, and what is known of Debezium, says about connectors before they are applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.errors import TransportError
from engine.resources.asked import Asked
from engine.resources.connect_rest import ConnectFailed, ConnectRest
from engine.resources.connector_desired import Rendering, settings_of
from engine.resources.connector_states import first_line
from engine.resources.notice import Notice
from engine.spec.kafka_names import connector_name
from engine.spec.quantities import format_duration
from engine.spec.target import Kafka

CLASS = "connector.class"


@dataclass(frozen=True, slots=True)
class RenderedConnector:
    """A pipeline's connector as it would be applied."""

    asked: Asked
    kafka: Kafka
    rendering: Rendering

    @property
    def name(self) -> str:
        """The connector's name."""
        return connector_name(self.asked.target, self.asked.pipeline)

    def where(self, setting: str) -> str:
        """``spec line -> template line -> setting``, as far as they are known."""
        template = self.rendering.template
        line = template.line_of(setting)
        of_template = template.place if line is None else f"{template.place}:{line}"
        return " -> ".join([self._spec_place(setting), of_template, setting])

    def is_chosen(self, setting: str) -> bool:
        """Whether the setting comes from a key that somebody has written into a spec."""
        return bool(self._written(self._keys(setting)))

    def _spec_place(self, setting: str) -> str:
        keys = self._keys(setting)
        default = f"pipeline {self.asked.pipeline.pipeline}"
        return self._written(keys) or (f"{default}: {'.'.join(keys)} (default)" if keys else default)

    def _keys(self, setting: str) -> tuple[str, ...]:
        key = self.rendering.template.spec_key_of(setting)
        return tuple(key.split(".")) if key else self._free(setting)

    def _written(self, keys: tuple[str, ...]) -> str | None:
        """Where a spec has these keys."""
        if not keys:
            return None
        of_pipeline = self.asked.place("pipeline", ("source", "connector", *keys))
        return of_pipeline or self.asked.place("target", ("transport", "kafka", "connector", *keys))

    def _free(self, setting: str) -> tuple[str, ...]:
        settings = settings_of(self.asked, self.kafka)
        for key in ("config", "config_from"):
            if setting in getattr(settings, key):
                return key, setting
        return ()


def collection_problems(asked: Asked, kafka: Kafka) -> Iterator[Notice]:
    """Collections that no connector can follow as it is set up."""
    where = asked.place("pipeline", ("source", "collections")) or f"pipeline {asked.pipeline.pipeline}"
    for name in asked.namespaces:
        if "," in name:
            what = f"Debezium cannot follow {name}: it takes the comma for the end of a name"
            yield Notice("error", "connector-collections", what, where, "rename the collection, or leave it out")
    databases = {name.partition(".")[0] for name in asked.namespaces}
    if settings_of(asked, kafka).capture_scope == "database" and len(databases) > 1:
        what = f"`capture_scope: database` is for one database, and the collections are in {len(databases)}"
        yield Notice("error", "connector-collections", what, where, "make a pipeline for each, or drop the key")


def refused_settings(rest: ConnectRest, one: RenderedConnector) -> Iterator[Notice]:
    """What ``config/validate`` of the running Connect does not accept, setting by setting."""
    config = {**one.rendering.raw, "name": one.name}
    try:
        refused = rest.validate(config.get(CLASS, ""), config)
    except ConnectFailed:
        yield _failed_over(_breaking_setting(rest, one, config), one)
        return
    except TransportError as error:
        yield Notice("error", "connector-invalid", error.what, one.where(CLASS), error.remedy)
        return
    for setting, problems in refused.items():
        is_hidden = setting in one.rendering.hidden
        told = "Debezium does not accept it, or cannot connect with it" if is_hidden else first_line(problems[0])
        yield Notice(
            "error",
            "connector-invalid",
            f"`{setting}` is refused: {told}",
            one.where(setting),
            "correct the key in the spec, or the template",
        )


def _breaking_setting(rest: ConnectRest, one: RenderedConnector, config: Mapping[str, str]) -> str | None:
    """The setting from a spec without which Connect does not fail; it does not tell itself."""
    for setting in filter(one.is_chosen, config):
        try:
            rest.validate(config.get(CLASS, ""), {name: value for name, value in config.items() if name != setting})
        except ConnectFailed:
            continue
        return setting
    return None


def _failed_over(setting: str | None, one: RenderedConnector) -> Notice:
    if setting is None:
        what = "Kafka Connect fails over this connector's settings (500) and does not say over which"
        remedy = "the worker's log has the stack trace; begin with what was changed last in the spec or the template"
        return Notice("error", "connector-invalid", what, one.where(CLASS), remedy)
    what = f"Kafka Connect fails over `{setting}` (500) and does not say why; without it, it does not"
    remedy = "correct the key in the spec; the worker's log has the stack trace"
    return Notice("error", "connector-invalid", what, one.where(setting), remedy)


def risks(one: RenderedConnector) -> Iterator[Notice]:
    """Settings under which changes can be lost or come twice, or a password lies open."""
    settings = settings_of(one.asked, one.kafka)
    if one.asked.pipeline.source.snapshot == "no_data":
        every = format_duration(settings.heartbeat_interval)
        yield Notice(
            "warning",
            "unstored-start",
            "with `snapshot: no_data`, Kafka Connect that is killed before the first offset is stored starts again at "
            f"the newest change, and what lay between is lost (an offset is stored with the first event, else every "
            f"{every} by a heartbeat)",
            one.asked.place("pipeline", ("source", "snapshot")) or one.name,
            "use `snapshot: initial`, or compare the tables with the source afterwards",
        )
    if settings.exactly_once == "requested":
        yield Notice(
            "warning",
            "not-exactly-once",
            "workers without exactly-once support are accepted: after a crash of Kafka Connect, events come twice",
            one.where("exactly.once.support"),
            "write `exactly_once: required`, and exactly.once.source.support=enabled for the workers",
        )
    if "@" in one.rendering.raw.get("mongodb.connection.string", "").partition("?")[0]:
        yield Notice(
            "warning",
            "open-password",
            "the connection string is written into the connector with its password: whoever may use Kafka Connect or "
            "read its topics can read it",
            one.asked.place("target", ("mongodb", "uri")) or one.name,
            "give the workers a config provider, and its reference under transport.kafka.connector.mongodb_uri_from",
        )


def failure(one: RenderedConnector, trace: str) -> Notice:
    """That a connector has failed, and the first line of why."""
    return Notice(
        "warning",
        "connector-failed",
        f"the connector has failed: {trace}",
        f"connector {one.name}",
        "put that right; `oplake apply` starts it again. The worker's log has the whole trace",
    )
