"""What is typed behind `oplake reconcile` and makes no sense is refused before anything is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command_line import oplake


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--since yesterday", "'yesterday' is no time\n  where: --since"),
        ("--since 0001-01-01", "is no time\n"),
        ("--since 1950-01-01", "is no time at which a document can have changed"),
        ("--since 9999-12-31", "is no time at which a document can have changed"),
        ("--id {bad", "'{bad' is no id\n  where: --id\n  help:"),
        ('--id {"$oid":"zz"}', "is no id"),
        ("--max-rate banana", "'banana' is no size\n  where: --max-rate\n  help:"),
        ("--wait -3s", "'-3s' is no duration\n  where: --wait\n  help:"),
        ("--since 2026-11-01 --mode full", "--since with --mode full\n  help:  leave --mode out"),
        ("--since 2026-11-01 --id a", "where: --id and --since"),
        ("--id a --mode counts", "where: --id and --mode"),
        ("--due --resume", "where: --due and --resume"),
        ("--due --mode full", "where: --due and --mode"),
        ("--list --show one", "where: --list and --show"),
        ("--mode counts --resume", "--resume with --mode counts\n  help:  leave"),
        ("--id a --workers 2", "--workers with --id\n  help:  leave"),
        ("--rate 0.1", "--rate with --mode full\n  help:  add --mode sampled"),
        ("--ray-address x:1", "add --executor ray"),
        ("--yes --dry-run", "where: --dry-run and --yes\n  help:  add --repair"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage_and_says_why(tmp_path: Path, words: str, said: str) -> None:
    done = oplake("reconcile", *words.split(), folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize(
    "words", ["--since 2026-11-01 --mode incremental", "--due --workers 2", "--mode sampled --rate 0.1", "--mode full"]
)
def test_what_makes_sense_comes_as_far_as_the_specs(tmp_path: Path, words: str) -> None:
    done = oplake("reconcile", *words.split(), folder=tmp_path)
    assert "there is no" in done.stderr or "no specs" in done.stderr, done.stderr
    assert "where: --" not in done.stderr
