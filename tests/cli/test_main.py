"""The command finds its commands, and turns every error into one message and an exit code."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from engine.cli.main import COMMANDS, cli, show_error
from engine.errors import UsageError
from engine.spec.diagnostics import Diagnostic, Span, SpecError
from tests.cli.command_line import oplake


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_is_there_and_explains_itself(name: str) -> None:
    if importlib.util.find_spec(f"engine.cli.{name.replace('-', '_')}") is None:
        pytest.fail(f"engine/cli/{name}.py is missing")
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output


def test_help_lists_every_command_and_the_exit_codes(tmp_path: Path) -> None:
    done = oplake("-h", folder=tmp_path)
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    assert "3  changes pending" in done.stdout


def test_a_misspelt_command_is_a_usage_error_with_a_suggestion(tmp_path: Path) -> None:
    done = oplake("valdate", folder=tmp_path)
    assert done.returncode == 2
    assert "did you mean `validate`?" in done.stderr
    assert oplake("validate", "--formt", "json", folder=tmp_path).returncode == 2


def test_an_error_says_what_where_and_what_next(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(UsageError("no specs found", where="/a/specs", remedy="write some"))
    assert capsys.readouterr().err == "error[usage] no specs found\n  where: /a/specs\n  help:  write some\n"


def test_broken_specs_are_shown_in_full_by_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(SpecError([Diagnostic(Span("specs/a.yaml", 2, 3, 4), "unknown-key", "no `x`", "delete it", "a: xxxx")]))
    assert capsys.readouterr().err == (
        "specs/a.yaml:2:3: error[unknown-key] no `x`\n2 | a: xxxx\n  |   ^^^^\n  help: delete it\n\n"
        "1 problem in 1 file; docs/checks.md explains the rules\n"
    )


def test_every_command_says_where_the_project_is_the_same_way() -> None:
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        for leaf in command.commands.values() if isinstance(command, click.Group) else [command]:
            options = {option for parameter in leaf.params for option in parameter.opts}
            assert "--project" in options or name in ("init", "schema"), f"{name} {leaf.name}"
