"""``oplake serve``: the HTTP API and its page."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from engine.cli.options import project_option, target_option
from engine.errors import ToolMissing, UsageError


@click.command()
@project_option
@target_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0 takes a free one."
)
@click.option(
    "--specs", type=click.Choice(["git", "api"]), default="git", show_default=True, help="Who owns the specs."
)
@click.option("--no-auth", is_flag=True, help="Serve everybody as an admin; on loopback addresses only.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
def serve(project: Path, target: str | None, **options: Any) -> None:  # noqa: ANN401 - click
    """Serve the API (/api/v1) and its page (/).

    A first key: `oplake keys create NAME --role admin`. Jobs that are asked for are done by `oplake jobs`. Further
    settings are variables, OPLAKE_API_*: docs/service.md.
    """
    if options["no_auth"] and not _is_loopback(options["host"]):
        raise UsageError(
            "without authentication only loopback addresses are served",
            where="--no-auth",
            remedy="leave --no-auth out, or --host",
        )
    given = {
        "OPLAKE_API_PROJECT": str(project.resolve()),
        "OPLAKE_API_TARGET": target or "",
        "OPLAKE_API_SPECS": options["specs"],
        "OPLAKE_API_AUTH": "off" if options["no_auth"] else "on",
    }
    os.environ.update(given)
    with ExitStack() as opened:
        if options["workers"] > 1:
            # Requests are counted in files that the processes share; read when the counting library is loaded.
            shared = opened.enter_context(TemporaryDirectory(prefix="oplake-metrics-"))
            os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", shared)
        _serve(options["host"], options["port"], options["workers"])


def _serve(host: str, port: int, workers: int) -> None:
    try:
        import uvicorn

        from engine.api.application import create_app
    except ModuleNotFoundError as error:
        raise ToolMissing(
            f"the service's libraries are not installed ({error.name})",
            where="oplake serve",
            remedy="pip install 'oplake[api]'",
        ) from error
    from engine.api.server import bound, run
    from engine.api.settings import read_settings
    from engine.telemetry.logs import configure

    assert uvicorn  # noqa: S101  found
    configure(sys.stderr, as_json=not sys.stderr.isatty())
    with bound(host, port) as listening:
        app = create_app(read_settings())
        if workers > 1:
            app.state.service.close()
        run(app if workers == 1 else "engine.api.application:from_environment", listening, workers)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
