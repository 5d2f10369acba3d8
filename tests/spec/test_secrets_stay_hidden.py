"""However a target is broken, no report about it shows what may be a secret."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli.paint import Painter
from engine.cli.spec_report import FORMATS
from engine.spec.diagnostics import SpecError
from engine.spec.hidden_text import hide_suspects
from engine.spec.project import load_project
from engine.spec.resolution import check_resolvable
from tests.spec.projects import PIPELINE, load, problems, write

# A word that is in no message: what is left of it in a report came out of the file.
SECRETS = st.from_regex(r"zq[xj][0-9]{3}[A-Z]{3,8}", fullmatch=True)
TARGET = """\
target: local
mongodb:
  uri: mongodb://admin:{secret}@db/?authSource={secret}
lake:
  uri: s3://bucket/lake
  storage:
    access_key: "{secret}"
    secret_key: {secret}
state: postgresql://u:{secret}@h/state
"""
FLOW = """\
target: local
mongodb: {{uri: "mongodb://admin:{secret}@db/?authSource={secret}"}}
lake: {{uri: s3://bucket/lake, storage: {{access_key: '{secret}', secret_key: {secret}}}}}
state: "${{env:OPLAKE_NEVER_SET:-{secret}}}"
"""


def reports(root: Path) -> str:
    """Everything that any command could print about a project."""
    try:
        project = load_project(root)
        check_resolvable(project, project.target())
    except SpecError as error:
        texts = [report(error.diagnostics, Painter(enabled=False)) for report in FORMATS.values()]
        return "\n".join([*texts, str(error), repr(error), repr(error.diagnostics)])
    return f"{project!r} {project.targets!r}"


@settings(deadline=None)
@given(SECRETS, st.sampled_from([TARGET, FLOW]), st.data())
def test_a_target_with_a_misspelt_key_does_not_show_its_secrets(
    secret: str, template: str, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(["uri", "secret_key", "access_key", "storage", "mongodb", "state", "lake"]))
    change = data.draw(st.sampled_from(["{}x", "x{}", "{}_", "my_{}"]))
    text = template.format(secret=secret)
    check_hidden(secret, text.replace(f"{key}:", change.format(key) + ":", 1))


@settings(deadline=None)
@given(SECRETS, st.sampled_from([TARGET, FLOW]), st.data())
def test_a_target_with_any_character_changed_does_not_show_its_secrets(
    secret: str, template: str, data: st.DataObject
) -> None:
    text = template.format(secret=secret)
    places = [index for index, _ in enumerate(text) if not inside(text, secret, index)]
    index = data.draw(st.sampled_from(places))
    mark = data.draw(
        st.sampled_from(["", ":", "'", '"', "[", "{", "}", "]", ",", "\t", "\n", "&", "*", "!", "#", "x", "- "])
    )
    check_hidden(secret, text[:index] + mark + text[index + 1 :])


@pytest.mark.parametrize(
    ("template", "before", "after"),
    [
        (TARGET, '"{secret}"', '#{secret}"'),
        (TARGET, "mongodb://admin", "#ongodb://admin"),
        (FLOW, '"${{env', "#${{env"),
        (FLOW, "access_key:", "access_key\n"),
    ],
)
def test_a_secret_that_a_slip_took_out_of_its_place_is_hidden(template: str, before: str, after: str) -> None:
    assert before in template
    values = {"secret": "zqj000AAA"}
    check_hidden(values["secret"], template.replace(before, after).format_map(values))


@settings(deadline=None)
@given(SECRETS, st.sampled_from([TARGET, FLOW]), st.data())
def test_a_target_with_a_line_lost_or_doubled_does_not_show_its_secrets(
    secret: str, template: str, data: st.DataObject
) -> None:
    lines = template.format(secret=secret).splitlines(keepends=True)
    index = data.draw(st.integers(0, len(lines) - 1))
    check_hidden(
        secret, "".join(lines[:index] + data.draw(st.sampled_from([[], [lines[index]] * 2])) + lines[index + 1 :])
    )


def test_a_key_that_is_a_secret_in_one_place_is_hidden_in_all(tmp_path: Path) -> None:
    line = 'state: "${env:OPLAKE_NEVER_SET:-hunter2}"\n'
    root = write(
        tmp_path, {"targets/local.yaml": TARGET.format_map({"secret": "x"}) + line, "pipelines/u.yaml": PIPELINE}
    )
    assert "hunter2" not in reports(root)


def inside(text: str, secret: str, index: int) -> bool:
    """Whether a character is of a secret: changing that would make another secret."""
    return secret in text[max(0, index - len(secret) + 1) : index + len(secret)]


def check_hidden(secret: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder), {"targets/local.yaml": text, "pipelines/u.yaml": PIPELINE})
        assert secret not in reports(root)


def test_a_target_among_the_pipelines_does_not_show_its_secrets(tmp_path: Path) -> None:
    write(tmp_path, {"pipelines/local.yaml": "mongodb: {uri: 'mongodb://u:sesame@h'}\ntarget: x\nstate: sesame\n"})
    assert "sesame" not in reports(tmp_path)


def test_a_secret_over_several_lines_is_hidden_on_each(tmp_path: Path) -> None:
    text = 'target: local\nmongodb:\n  uri: "mongodb://u:sesa\\\n    me-one@\\\n    h", x: 1\n'
    write(
        tmp_path,
        {"targets/local.yaml": text.replace(", x: 1", "") + "lake: {uri: l}\nstate: |\n  sesame\n  two\nx: 1\n"},
    )
    assert not any(part in reports(tmp_path) for part in ("sesa", "me-one", "two"))


def test_the_value_of_a_variable_is_in_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPLAKE_T", "sesame")
    text = "target: local\nmongodb: {uri: '${env:OPLAKE_T}${env:OPLAKE_NEVER_SET}'}\nlake: {uri: l}\n"
    project = load(tmp_path, {"targets/local.yaml": text})
    with pytest.raises(SpecError) as caught:
        check_resolvable(project, project.target())
    assert "sesame" not in "".join(
        report(caught.value.diagnostics, Painter(enabled=False)) for report in FORMATS.values()
    )
    assert "${env:OPLAKE_NEVER_SET}" in caught.value.diagnostics[0].snippet


def test_a_valid_target_shows_no_secret_however_it_is_printed(tmp_path: Path) -> None:
    target = load(tmp_path, {"targets/local.yaml": TARGET.format(secret="sesame")}).target()  # noqa: S106 - the test's
    for text in (repr(target), str(target), target.model_dump_json(), repr(target.model_dump()), f"{target}"):
        assert "sesame" not in text
        assert "s3://bucket/lake" in text


def test_a_reference_stays_readable_and_a_line_keeps_its_length(tmp_path: Path) -> None:
    text = 'target: local\nmongodb: {uri: "mongodb://u:${env:PW:-sesame}@h", x: 1}\nlake: {uri: l}\n'
    [found] = problems(tmp_path, {"targets/local.yaml": text})
    assert len(found.snippet) == len(text.splitlines()[1])
    assert "${env:PW:-******}" in found.snippet
    assert found.snippet[found.span.column - 1] == "x"


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("uri: mongodb://u:p@ss@host/", "uri: mongodb://************"),
        ("uri: s3://u:p@ss@host/", "uri: s3://******@host/"),
        ("password: sesame # why", "password: ************"),
        ('{token: "a b", x: y}', "{token: *****, x: y}"),
        ("my_secret: ${env:A}", "my_secret: ${env:A}"),
        ("collections: [shop.users]", "collections: [shop.users]"),
        ("mode: current", "mode: current"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_in_any_line(line: str, hidden: str) -> None:
    assert hide_suspects([line], None) == (hidden,)
