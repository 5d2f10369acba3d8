"""One project with a table that holds rows, and applications over it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import pytest

from engine.api.settings import Settings
from engine.state.api_keys import ROLES
from tests.planner.worlds import World

if TYPE_CHECKING:
    from selenium import webdriver

T = TypeVar("T")


@dataclass
class Served:
    """An application, spoken to without a socket."""

    app: Any
    keys: dict[str, str]
    root: Path
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    """One loop for all requests: what goes on in the background goes on between them."""

    def client(self, role: str | None = "admin", address: str = "10.0.0.1") -> httpx.AsyncClient:
        headers = {} if role is None else {"Authorization": f"Bearer {self.keys[role]}"}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers)

    def ask(self, talk: Callable[[httpx.AsyncClient], Awaitable[T]], role: str | None = "admin", **more: str) -> T:
        async def run() -> T:
            async with self.client(role, **more) as client:
                return await talk(client)

        return self.runner.run(run())

    def get(self, path: str, role: str | None = "admin", **headers: str) -> httpx.Response:
        return self.ask(lambda client: client.get(f"/api/v1{path}", headers=headers), role)

    def post(self, path: str, body: Any = None, role: str | None = "admin", **headers: str) -> httpx.Response:  # noqa: ANN401
        return self.ask(lambda client: client.post(f"/api/v1{path}", json=body, headers=headers), role)

    def put(self, path: str, body: Any, role: str | None = "admin", **headers: str) -> httpx.Response:  # noqa: ANN401
        return self.ask(lambda client: client.put(f"/api/v1{path}", json=body, headers=headers), role)


def serve(root: Path, **settings: Any) -> Served:  # noqa: ANN401 - whatever settings there are
    # Every worker of the suite collects this file, and few serve: the application's libraries take a second or two.
    from engine.api.application import create_app  # noqa: PLC0415

    app = create_app(Settings(project=root, **settings))
    keys = {role: app.state.service.keys.create(role, role)[1] for role in ROLES}
    return Served(app, keys, root)


def spec(table: dict[str, Any]) -> str:
    return json.dumps({"pipeline": "orders", "source": {"collections": ["shop.orders"]}, "table": table})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, mongo: str) -> Path:
    """A project whose table ``orders`` has three rows."""
    world = World(tmp_path_factory.mktemp("served"))
    world.target(mongo)
    world.spec()
    world.apply()
    world.fill(3)
    return world.root


@pytest.fixture(scope="module")
def served(root: Path) -> Iterator[Served]:
    """The project's service, its specs owned by git."""
    one = serve(root)
    yield one
    one.app.state.service.close()


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    """A browser that nobody has used."""
    from tests.api.browsing import open_browser  # noqa: PLC0415 - needs what is defined here

    with open_browser() as one:
        yield one
