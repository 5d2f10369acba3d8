"""``oplake stack``: the local real servers, for development and tests."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import project_option
from engine.errors import OperatorError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.stack.local_stack import LocalStack, ServerStatus

FOLDER = ".oplake/stack"


def _parts(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[str, ...]:
    from engine.spec.diagnostics import did_you_mean
    from engine.stack.stack_record import PARTS

    asked = {part.strip() for part in text.split(",")} if text is not None else set(PARTS)
    for part in sorted(asked.difference(PARTS)):
        raise click.BadParameter(f"no part `{part}`; {did_you_mean(part, list(PARTS))}")
    return tuple(part for part in PARTS if part in asked)


def _target_name(_context: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    from engine.spec.target import MAX_NAME, NAME_PATTERN

    if name is not None and (not re.fullmatch(NAME_PATTERN, name) or len(name) > MAX_NAME):
        raise click.BadParameter("a target's name is a lower case letter, then letters, digits and _")
    return name


only_option = click.option(
    "--only", metavar="PART,...", callback=_parts, help="Of mongodb, kafka, connect, s3 these alone (default: all)."
)


@click.group()
def stack() -> None:
    """Run MongoDB, Kafka, Kafka Connect with Debezium and an S3 store on this machine, without containers.

    Each is a process of its own on a loopback port, with its data and log below .oplake/stack. They run until
    `oplake stack down`, whoever started them.
    """


@stack.command()
@project_option
@only_option
@click.option("--brokers", type=click.Choice(["1", "3"]), help="Kafka brokers (default: as before, or 1).")
@click.option(
    "--write-target", metavar="NAME", callback=_target_name, help="Write specs/targets/NAME.yaml, which uses the stack."
)
def up(project: Path, only: tuple[str, ...], brokers: str | None, write_target: str | None) -> None:
    """Start what does not run yet, wait until it answers, and tell the addresses."""
    local = _local(project)
    note = " (their jars are fetched the first time)" if "kafka" in only else ""
    click.echo(f"starting {', '.join(only)}{note}", err=True)
    local.up(only, int(brokers) if brokers else None)
    addresses = local.addresses()
    click.echo(_usage(addresses, local))
    if write_target is not None:
        _write_target(project, write_target, local, addresses)
    else:
        click.echo("next: oplake stack up --write-target NAME   (a target that uses them), oplake stack status | down")


@stack.command()
@project_option
@only_option
def down(project: Path, only: tuple[str, ...]) -> None:
    """Stop the servers in good order. Their data stays; delete .oplake/stack to begin anew."""
    stopped = _local(project).down(only)
    click.echo(f"stopped {', '.join(stopped)}" if stopped else "nothing was started")


@stack.command()
@project_option
@only_option
def status(project: Path, only: tuple[str, ...]) -> int:
    """Show every server that was started: its state, pid, address and log. Exits 1 when one is not healthy."""
    servers = _local(project).status(only)
    if not servers:
        click.echo("nothing was started: `oplake stack up` starts all, --only chooses")
        return 0
    from engine.cli.paint import Painter

    painter = Painter.for_stream(sys.stdout)
    width = max(len(server.address) for server in servers)
    for server in servers:
        line = _line(server, width)
        click.echo(line if server.is_healthy else painter.red(line))
    return 0 if all(server.is_healthy for server in servers) else 1


@stack.command()
@click.argument("name")
@project_option
def restart(name: str, project: Path) -> None:
    """Stop and start one part, or one broker (kafka-2), on the same port."""
    local = _local(project)
    local.restart(name)
    click.echo(f"{name} runs again")


@stack.command()
@click.argument("name")
@project_option
def kill(name: str, project: Path) -> None:
    """Kill one part, or one broker (kafka-2), as a power cut would; `restart` brings it back with its data."""
    killed = _local(project).kill(name)
    click.echo(f"killed {', '.join(killed)}" if killed else f"{name} did not run")


def _local(project: Path) -> LocalStack:
    from engine.stack.local_stack import LocalStack

    return LocalStack(project / FOLDER)


def _line(server: ServerStatus, width: int) -> str:
    pid = "-" if server.pid is None else str(server.pid)
    return f"{server.name:<8}  {server.state:<9}  pid {pid:>7}  {server.address:<{width}}  {server.log}"


def _usage(addresses: Mapping[str, str], local: LocalStack) -> str:
    from engine.stack.s3 import BUCKET

    notes = {"s3": f"  bucket {BUCKET}, keys in {FOLDER}/s3/access_key and secret_key"}
    lines = [f"{part:<8}  {address}{notes.get(part, '')}" for part, address in addresses.items()]
    return "\n".join([*lines, "", f"data and logs: {local.folder}"])


def _write_target(project: Path, name: str, local: LocalStack, addresses: Mapping[str, str]) -> None:
    """Write the spec, unless somebody has written another one of that name."""
    from engine.stack.target_text import target_text

    text = target_text(name, addresses, local.brokers(), FOLDER, local.connect_secrets)
    path = project / "specs" / "targets" / f"{name}.yaml"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise UsageError("there is another target already", where=str(path), remedy="delete it, or choose another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OperatorError(f"cannot write: {error.strerror}", where=str(path)) from None
    click.echo(f"wrote {path}: oplake plan --target {name}")
