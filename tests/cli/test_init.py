"""``oplake init``: a folder that works, and nothing of anybody's overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.cli.main import cli
from engine.errors import UsageError

REPOSITORY = Path(__file__).parents[2]


def init(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["init", *arguments], catch_exceptions=False, standalone_mode=False)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_fresh_folder_gets_specs_and_schemas_that_validate(tmp_path: Path) -> None:
    init(str(tmp_path))
    result = CliRunner().invoke(cli, ["validate", "--project", str(tmp_path)], standalone_mode=False)
    assert result.return_value == 0, result.output
    assert "2 pipelines and 1 target" in result.output


def test_the_schema_that_each_spec_names_is_there(tmp_path: Path) -> None:
    init(str(tmp_path))
    for path in (tmp_path / "specs").rglob("*.yaml"):
        first = path.read_text().splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        assert (path.parent / first.partition("$schema=")[2]).resolve().is_file(), path


def test_the_local_lake_and_state_stay_out_of_git(tmp_path: Path) -> None:
    init(str(tmp_path))
    assert (tmp_path / ".gitignore").read_text() == ".oplake/\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [("build/", "build/\n.oplake/\n"), ("build/\n", "build/\n.oplake/\n"), (".oplake/\nx\n", ".oplake/\nx\n")],
)
def test_what_a_gitignore_holds_already_stays(tmp_path: Path, before: str, after: str) -> None:
    (tmp_path / ".gitignore").write_text(before)
    init(str(tmp_path))
    assert (tmp_path / ".gitignore").read_text() == after


def test_a_folder_with_specs_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "mine.yaml").write_text("mine")
    with pytest.raises(UsageError, match="there are specs already"):
        init(str(tmp_path))
    assert files_of(tmp_path) == {"specs/mine.yaml": b"mine"}


def test_a_schema_in_the_way_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "target.schema.json").write_text("{}")
    with pytest.raises(UsageError, match="a file is in the way"):
        init(str(tmp_path))
    assert files_of(tmp_path) == {"schemas/target.schema.json": b"{}"}


def test_the_next_steps_start_with_entering_another_folder(tmp_path: Path) -> None:
    assert f"\n  cd '{tmp_path / 'my lake'}'\n" in init(str(tmp_path / "my lake")).output


def test_the_next_steps_in_this_folder_need_no_cd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    output = init().output
    assert "  cd " not in output
    assert "oplake validate" in output


def test_the_specs_of_this_repository_are_the_starter_specs() -> None:
    assert files_of(REPOSITORY / "specs") == files_of(REPOSITORY / "templates" / "init" / "specs")
