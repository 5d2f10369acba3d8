"""References: what they look like, what they stand for, and what is said when they stand for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.secrets.references import MAX_FILE_BYTES, UnresolvedReference, problem_of, references, resolve


def test_a_variable_is_looked_up_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPLAKE_T", "one")
    assert resolve("mongodb://${env:OPLAKE_T}:27017/${env:OPLAKE_T}") == "mongodb://one:27017/one"
    monkeypatch.setenv("OPLAKE_T", "two")
    assert resolve("${env:OPLAKE_T}") == "two"


@pytest.mark.parametrize(("value", "resolved"), [(None, "fallback"), ("", "fallback"), ("set", "set")])
def test_a_default_stands_in_for_what_is_not_set_or_empty(
    monkeypatch: pytest.MonkeyPatch, value: str | None, resolved: str
) -> None:
    monkeypatch.delenv("OPLAKE_T", raising=False)
    if value is not None:
        monkeypatch.setenv("OPLAKE_T", value)
    assert resolve("${env:OPLAKE_T:-fallback}") == resolved


def test_a_default_may_hold_colons_and_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPLAKE_T", raising=False)
    assert resolve("${env:OPLAKE_T:-mongodb://h:1/?a=b:-c}") == "mongodb://h:1/?a=b:-c"


def test_an_unset_variable_is_named_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPLAKE_T", raising=False)
    with pytest.raises(UnresolvedReference) as caught:
        resolve("x${env:OPLAKE_T}", where="specs/targets/local.yaml:3:8")
    assert caught.value.what == "the environment variable OPLAKE_T is not set"
    assert caught.value.where == "specs/targets/local.yaml:3:8"
    assert "${env:OPLAKE_T:-...}" in caught.value.remedy


def test_a_file_is_read_relative_to_the_project_without_its_last_newline(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("pass\nword\n")
    assert resolve("${file:key}", folder=tmp_path) == "pass\nword"
    (tmp_path / "windows").write_bytes(b"password\r\n")
    assert resolve(f"${{file:{tmp_path}/windows}}") == "password"


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    (tmp_path / "latin").write_bytes(b"\xe9")
    for name, why in (("missing", "No such file"), ("large", "more than 65,536 bytes"), ("latin", "not UTF-8")):
        with pytest.raises(UnresolvedReference, match=why):
            resolve(f"${{file:{name}}}", folder=tmp_path)
    with pytest.raises(UnresolvedReference, match="Is a directory"):
        resolve("${file:.}", folder=tmp_path)
    assert resolve("${file:missing:-else}", folder=tmp_path) == "else"


def test_a_device_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(UnresolvedReference, match="more than 65,536 bytes"):
        resolve("${file:/dev/zero}")


def test_a_doubled_dollar_is_a_literal_one() -> None:
    assert resolve("a$${env:X}b") == "a${env:X}b"
    assert list(references("a$${env:X}b")) == []
    assert resolve("cost: 5$ or $x") == "cost: 5$ or $x"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("${env:A", "`${` is never closed"),
        ("${A}", "the reference has no scheme"),
        ("${}", "the reference has no scheme"),
        ("${keeper:a#b}", "unknown reference scheme `keeper`"),
        ("${vault:a#b}", "this cannot be a secret of Vault"),
        ("${vault:a/b}", "this cannot be a secret of Vault"),
        ("${vault:a/../b#c}", "this cannot be a secret of Vault"),
        ("${vault:a/b?version=0#c}", "this cannot be a secret of Vault"),
        ("${vault:a/b#c:-default}", "this cannot be a secret of Vault"),
        ("${PASS:word}", "unknown reference scheme"),
        ("${env:}", "the reference names nothing"),
        ("${file:}", "the reference names nothing"),
        ("${env:A-B}", "this cannot be the name of an environment variable"),
    ],
)
def test_a_malformed_reference_is_told_from_a_literal(text: str, problem: str) -> None:
    [reference] = references(f"before {text}")
    found = problem_of(reference)
    assert found is not None
    assert found[0] == problem
    with pytest.raises(UnresolvedReference) as caught:
        resolve(text)
    assert caught.value.what == problem


@given(st.text())
def test_text_without_a_dollar_brace_is_itself(text: str) -> None:
    clean = text.replace("${", "")
    assert resolve(clean) == clean


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_value_never_becomes_a_reference_itself(value: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPLAKE_T", value)
        assert resolve("<${env:OPLAKE_T}>") == f"<{value}>"
