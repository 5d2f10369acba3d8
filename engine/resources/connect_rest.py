"""Kafka Connect's REST API: connectors, their configuration, state and offsets."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from engine.errors import TransportError
from engine.resources.connector_states import without_user_info

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 90.0
"""Validating asks the MongoDB; the list of a thousand connectors has some megabytes."""
REBALANCE_DEADLINE_S = 60.0
"""How long workers may share out their work anew, and refuse requests meanwhile."""
_PAUSE_S = 0.5
_NOT_FOUND, _CONFLICT, _BAD_REQUEST, _SERVER_ERROR = 404, 409, 400, 500
_MAX_CONNECTIONS = 8


class ConnectFailed(TransportError):
    """Kafka Connect has failed over a request (500), as it does over some settings that it ought to refuse."""


class ConnectRest:
    """One Connect cluster; nothing is sent before the first question."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._where = f"transport.kafka.connect_url {without_user_info(self._url)}"

    @cached_property
    def _client(self) -> httpx.Client:
        import httpx  # noqa: PLC0415  only targets on Kafka need it

        limits = httpx.Limits(max_connections=_MAX_CONNECTIONS)
        timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        # Not the client's own list of authorities: the system's, which a company's own is one of.
        trusted = ssl.create_default_context()
        return httpx.Client(base_url=self._url, limits=limits, timeout=timeout, verify=trusted)

    def connectors(self) -> dict[str, dict[str, Any]]:
        """Name -> ``info`` and ``status`` of every connector; for nearly all of them in one request.

        Connect's answer leaves out, without a word, a connector whose state it does not know yet: those are asked for
        one by one.

        Raises:
            TransportError: Connect cannot be reached, or refuses.
        """
        told: dict[str, dict[str, Any]] = self._json("GET", "/connectors?expand=info&expand=status")
        names: list[str] = self._json("GET", "/connectors")
        left_out = [name for name in names if name not in told]
        with ThreadPoolExecutor(_MAX_CONNECTIONS) as pool:
            asked = dict(zip(left_out, pool.map(self._asked, left_out), strict=True))
        return told | {name: one for name, one in asked.items() if one is not None}

    def _asked(self, name: str) -> dict[str, Any] | None:
        config = self.config(name)
        return None if config is None else {"info": {"config": config}, "status": self.status(name)}

    def config(self, name: str) -> dict[str, str] | None:
        """A connector's configuration; None when there is no such connector."""
        return self._json_or_none("GET", f"{_path(name)}/config")

    def status(self, name: str) -> dict[str, Any] | None:
        """States of a connector and its tasks; None when there is no such connector, or its state is not known yet."""
        return self._json_or_none("GET", f"{_path(name)}/status")

    def validate(self, plugin: str, config: Mapping[str, str]) -> dict[str, list[str]]:
        """Setting -> what the plugin says is wrong with it.

        Raises:
            ConnectFailed: the plugin has failed over the configuration, and says nothing of where.
            TransportError: the plugin is not installed, or Connect cannot be reached.
        """
        short = plugin.rpartition(".")[2]
        told = self._json("PUT", f"/connector-plugins/{quote(short)}/config/validate", dict(config))
        values = [one.get("value") or {} for one in cast("list[dict[str, Any]]", told.get("configs", []))]
        return {str(value.get("name")): list(value["errors"]) for value in values if value.get("errors")}

    def put(self, name: str, config: Mapping[str, str]) -> None:
        """Create the connector or give it this configuration."""
        self._send("PUT", f"{_path(name)}/config", dict(config))

    def create_stopped(self, name: str, config: Mapping[str, str]) -> None:
        """Create a connector that does not run yet."""
        self._send("POST", "/connectors", {"name": name, "config": dict(config), "initial_state": "STOPPED"})

    def pause(self, name: str) -> None:
        """Let a connector keep its tasks and do nothing."""
        self._send("PUT", f"{_path(name)}/pause")

    def resume(self, name: str) -> None:
        """Let a paused or stopped connector run."""
        self._send("PUT", f"{_path(name)}/resume")

    def stop(self, name: str) -> None:
        """End a connector's tasks; only then can its offsets be changed."""
        self._send("PUT", f"{_path(name)}/stop")

    def restart(self, name: str) -> None:
        """Start a connector and those of its tasks that failed again."""
        self._send("POST", f"{_path(name)}/restart?includeTasks=true&onlyFailed=true")

    def offsets(self, name: str) -> list[Any]:
        """How far a connector has got; empty when it has stored nothing."""
        return list((self._json_or_none("GET", f"{_path(name)}/offsets") or {}).get("offsets", []))

    def delete_offsets(self, name: str) -> None:
        """Forget how far a stopped connector has got."""
        self._send("DELETE", f"{_path(name)}/offsets")

    def delete(self, name: str) -> None:
        """Delete a connector; one that is not there is fine."""
        self._send("DELETE", _path(name), missing_is_fine=True)

    def _json(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  Connect's JSON
        answer = self._send(method, path, body)
        assert answer is not None  # noqa: S101  nothing may be missing here
        return self._read(answer)

    def _json_or_none(self, method: str, path: str) -> dict[str, Any] | None:
        answer = self._send(method, path, missing_is_fine=True)
        return None if answer is None else cast("dict[str, Any]", self._read(answer))

    def _read(self, answer: httpx.Response) -> Any:  # noqa: ANN401  Connect's JSON
        try:
            return answer.json()
        except ValueError:
            raise TransportError(
                "what answers there is no Kafka Connect: it sends no JSON",
                where=self._where,
                remedy="correct the address; `/connectors` below it has to list connectors",
            ) from None

    def _send(
        self, method: str, path: str, body: object = None, *, missing_is_fine: bool = False
    ) -> httpx.Response | None:
        deadline = time.monotonic() + REBALANCE_DEADLINE_S
        while True:
            answer = self._once(method, path, body)
            if _is_rebalance(answer) and time.monotonic() < deadline:
                time.sleep(_PAUSE_S)
                continue
            if answer.status_code == _NOT_FOUND and missing_is_fine:
                return None
            if answer.is_success:
                return answer
            raise self._refused(method, path, answer)

    def _once(self, method: str, path: str, body: object) -> httpx.Response:
        import httpx  # noqa: PLC0415  as above

        try:
            return self._client.request(method, path, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TransportError(
                f"Kafka Connect does not answer ({_reason(error)})",
                where=self._where,
                remedy="check that a worker runs there and that this host may reach it",
            ) from None

    def _refused(self, method: str, path: str, answer: httpx.Response) -> TransportError:
        """Connect's own words may quote a configuration, with its secrets: they are shown where there is none."""
        has_config = method in {"PUT", "POST"} and "config" in path
        told = "" if has_config or answer.status_code >= _SERVER_ERROR else f": {_message(answer)}"
        kind = ConnectFailed if answer.status_code >= _SERVER_ERROR else TransportError
        return kind(
            f"Kafka Connect refuses {method} {path.partition('?')[0]} with {answer.status_code}{told}",
            where=self._where,
            remedy="the worker's log says why",
        )


def _reason(error: Exception) -> str:
    """Why there is no connection; what else goes wrong is told by its kind, since its words may quote the address."""
    import httpx  # noqa: PLC0415  as above

    return str(error) if isinstance(error, httpx.ConnectError) and str(error) else type(error).__name__


def _path(name: str) -> str:
    return f"/connectors/{quote(name, safe='')}"


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("message", ""))[:300]
    except (ValueError, AttributeError):
        return "no reason given"


def _is_rebalance(answer: httpx.Response) -> bool:
    """A refusal that passes by itself. Connect says it with 409, and to some questions with 500.

    A conflict that does not pass is that a connector exists already.
    """
    if answer.status_code == _CONFLICT:
        return "already exists" not in _message(answer)
    return answer.status_code == _SERVER_ERROR and "a rebalance is expected" in _message(answer)
