"""``oplake validate``: formats, colours and exit codes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli.paint import Painter
from engine.cli.spec_text import MAX_SHOWN, MAX_WIDTH, as_text
from engine.spec.diagnostics import Diagnostic, Span
from tests.cli.command_line import START, oplake
from tests.spec.projects import PIPELINE, TARGET, write

BROKEN = PIPELINE + "mode: history\n"
TEXT = """\
specs/pipelines/users.yaml:3:1: error[unknown-key] unknown key `mode`
3 | mode: history
  | ^^^^
  help: it belongs under `table`

1 problem in 1 file; docs/checks.md explains the rules
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    return write(tmp_path, {"pipelines/users.yaml": BROKEN})


@pytest.fixture
def valid(tmp_path: Path) -> Path:
    return write(tmp_path, {"pipelines/users.yaml": PIPELINE})


def test_a_valid_project_is_ok(valid: Path) -> None:
    done = oplake("validate", folder=valid)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok: 1 pipeline and 1 target in specs\n", "")


def test_a_problem_is_shown_with_its_line(broken: Path) -> None:
    done = oplake("validate", folder=broken)
    assert (done.returncode, done.stdout, done.stderr) == (1, TEXT, "")


def test_paths_are_as_seen_from_the_working_folder(broken: Path) -> None:
    assert oplake("validate", "--project", broken.name, folder=broken.parent).stdout.startswith(f"{broken.name}/specs/")
    (broken / "deep").mkdir()
    assert oplake("validate", "--project", "..", folder=broken / "deep").stdout.startswith(f"{broken}/specs/")


def test_json_is_for_programs(broken: Path, valid: Path) -> None:
    done = oplake("validate", "--format", "json", folder=write(broken, {"pipelines/users.yaml": BROKEN}))
    assert done.returncode == 1
    [found] = json.loads(done.stdout)["diagnostics"]
    assert found == {
        "file": "specs/pipelines/users.yaml",
        "line": 3,
        "column": 1,
        "length": 4,
        "severity": "error",
        "rule": "unknown-key",
        "message": "unknown key `mode`",
        "suggestion": "it belongs under `table`",
    }
    done = oplake("validate", "--format", "json", folder=write(valid, {"pipelines/users.yaml": PIPELINE}))
    assert (done.returncode, json.loads(done.stdout)) == (0, {"diagnostics": []})


def test_sarif_names_rules_files_and_places(broken: Path) -> None:
    log = json.loads(oplake("validate", "--format", "sarif", folder=broken).stdout)
    [run] = log["runs"]
    assert log["version"] == "2.1.0"
    [rule] = run["tool"]["driver"]["rules"]
    [result] = run["results"]
    assert (rule["id"], result["ruleId"], result["ruleIndex"], result["level"]) == (
        "unknown-key",
        "unknown-key",
        0,
        "error",
    )
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "specs/pipelines/users.yaml"
    assert place["region"] == {"startLine": 3, "startColumn": 1, "endColumn": 5}


def test_sarif_of_a_valid_project_has_no_results(valid: Path) -> None:
    done = oplake("validate", "--format", "sarif", folder=valid)
    assert (done.returncode, json.loads(done.stdout)["runs"][0]["results"]) == (0, [])


def test_github_annotations_are_escaped(tmp_path: Path) -> None:
    write(tmp_path, {"pipelines/a,b:c.yaml": PIPELINE + "100%: {}\n"})
    done = oplake("validate", "--format", "github", folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith(
        "::error file=specs/pipelines/a%2Cb%3Ac.yaml,line=3,col=1,endColumn=5,title=unknown-key::unknown key"
    )
    assert len(done.stdout.splitlines()) == 1


def test_no_specs_is_a_usage_error(tmp_path: Path) -> None:
    done = oplake("validate", folder=tmp_path)
    assert done.returncode == 2
    assert "oplake init" in done.stderr


def test_an_unknown_target_is_a_usage_error_with_a_suggestion(valid: Path) -> None:
    done = oplake("validate", "--target", "locl", folder=valid)
    assert done.returncode == 2
    assert "did you mean `local`?" in done.stderr


def test_only_the_target_in_use_needs_its_variables(tmp_path: Path) -> None:
    production = 'target: production\nmongodb: {uri: "${env:OPLAKE_T_URI}"}\nlake: {uri: a}\n'
    write(tmp_path, {"targets/production.yaml": production, "pipelines/users.yaml": PIPELINE})
    assert oplake("validate", folder=tmp_path).returncode == 0
    done = oplake("validate", "--target", "production", folder=tmp_path)
    assert done.returncode == 1
    assert "specs/targets/production.yaml:2:17: error[undefined-reference]" in done.stdout
    assert oplake("validate", "--target", "production", "--no-references", folder=tmp_path).returncode == 0
    env = {"OPLAKE_T_URI": "mongodb://user:sesame@h"}
    done = oplake("validate", "--target", "production", folder=tmp_path, env=env)
    assert done.returncode == 0
    assert "sesame" not in done.stdout


def test_targets_without_a_default_are_checked_for_their_form_only(tmp_path: Path) -> None:
    files = {f"targets/{name}.yaml": TARGET.replace("local", name) for name in ("staging", "production")}
    write(tmp_path, {**files, "targets/local.yaml": None, "pipelines/users.yaml": PIPELINE})
    assert oplake("validate", folder=tmp_path).returncode == 0


def on_a_terminal(folder: Path, env: dict[str, str]) -> str:
    """What ``oplake validate`` prints when a terminal is watching."""
    master, slave = pty.openpty()
    command = [sys.executable, "-c", START, "validate"]
    subprocess.run(command, cwd=folder, env={**os.environ, **env}, stdout=slave, stderr=slave, check=False, timeout=60)
    os.close(slave)
    printed = b""
    try:
        while chunk := os.read(master, 65536):
            printed += chunk
    except OSError:  # Linux ends a terminal whose other end is closed with an error
        pass
    finally:
        os.close(master)
    return printed.decode()


@pytest.mark.slow
def test_colours_are_for_terminals_that_want_them(broken: Path) -> None:
    assert "\033[31merror[unknown-key]\033[0m" in on_a_terminal(broken, {"TERM": "xterm", "NO_COLOR": ""})
    for env in ({"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\033" not in on_a_terminal(broken, env)
    assert "\033" not in oplake("validate", folder=broken, env={"TERM": "xterm"}).stdout


def diagnostic(snippet: str, column: int, length: int = 1, message: str = "m") -> Diagnostic:
    return Diagnostic(Span("f.yaml", 1, column, length), "unknown-key", message, "", snippet)


def lines(found: Diagnostic) -> list[str]:
    return as_text([found], Painter(enabled=False)).splitlines()[1:3]


def test_a_caret_stands_below_wide_characters_too() -> None:
    assert lines(diagnostic("a: 日本 x", 7)) == ["1 | a: 日本 x", "  |         ^"]
    assert lines(diagnostic("a: 日本 x", 4, 2)) == ["1 | a: 日本 x", "  |    ^^^^"]


def test_a_long_line_is_cut_around_the_caret() -> None:
    line, caret = lines(diagnostic("x" * 500 + "HERE" + "y" * 500, 501, 4))
    assert len(line) < MAX_WIDTH + 10
    assert line[caret.index("^") : caret.rindex("^") + 1] == "HERE"


def test_a_problem_past_the_end_of_its_line_still_has_a_caret() -> None:
    assert lines(diagnostic("a: [", 9)) == ["1 | a: [", "  |     ^"]


def test_a_file_cannot_steer_the_terminal() -> None:
    text = as_text([diagnostic("a: \x1b[2J\x07", 4, message="key \x1b]0;x\x07")], Painter(enabled=False))
    assert "\x1b" not in text
    assert "\x07" not in text


def test_very_many_problems_are_counted_and_not_all_shown() -> None:
    text = as_text([diagnostic("a", 1)] * 2345, Painter(enabled=False))
    assert text.count("error[") == MAX_SHOWN
    assert "2,345 problems in 1 file (2,245 more are not shown)" in text
