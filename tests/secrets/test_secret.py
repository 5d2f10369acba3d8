"""A secret is shown nowhere: not as text, not in a dump, not in an error."""

from __future__ import annotations

import copy
import json
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from engine.secrets.secret import Secret
from engine.secrets.template import Template
from engine.spec.model import SpecModel

# Letters that no message, class or module of this test is written with.
VALUES = st.text("äöüÄÖÜßéèê0123456789", min_size=6, max_size=40)


class Holder(SpecModel):
    password: Secret
    port: int


class Loose(BaseModel):
    """A model that hides nothing itself."""

    model_config = ConfigDict(frozen=True)
    password: Secret


def shown(secret: Secret) -> str:
    holder = Loose(password=secret)
    return " ".join(
        [
            str(secret),
            repr(secret),
            f"{secret} {secret!r} {secret:}",
            "%s %r" % (secret, secret),  # noqa: UP031 - one more way to show it
            repr([secret]),
            repr(holder),
            str(holder),
            holder.model_dump_json(),
            repr(holder.model_dump()),
            json.dumps(holder.model_dump(mode="json")),
        ]
    )


@given(VALUES)
def test_a_literal_value_is_never_shown(value: str) -> None:
    assert value not in shown(Secret(value))
    assert str(Secret(value)) == "***"


@given(VALUES)
def test_the_value_of_a_reference_is_never_shown_though_the_reference_is(value: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPLAKE_T", value)
        secret = Secret("${env:OPLAKE_T}")
        assert secret.reveal() == value
        assert value not in shown(secret)
        assert str(secret) == "${env:OPLAKE_T}"


@given(VALUES)
def test_neither_defaults_nor_text_around_references_are_shown(value: str) -> None:
    for template in (f"${{env:OPLAKE_T:-{value}}}", f"{value}${{env:OPLAKE_T}}", f"${{env:OPLAKE_T}}{value}"):
        assert value not in shown(Secret(template))


@given(VALUES)
def test_an_error_about_its_neighbour_does_not_show_it(value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"password": value, "port": "x"})
    assert value not in str(caught.value)
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"password": [value], "port": 1})
    assert value not in str(caught.value)
    assert value not in "".join(traceback.format_exception(caught.value))


@given(VALUES)
def test_an_error_of_its_own_reference_does_not_show_it(value: str) -> None:
    with pytest.raises(Exception, match="not set") as caught:
        Secret(f"{value}${{env:OPLAKE_NEVER_SET}}{value}").reveal()
    assert value not in "".join(traceback.format_exception(caught.value))
    assert value not in repr(caught.value)


def test_a_digest_changes_with_the_value_and_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPLAKE_T", "one")
    first = Secret("${env:OPLAKE_T}").digest()
    assert first == Secret("one").digest()
    monkeypatch.setenv("OPLAKE_T", "two")
    assert first != Secret("${env:OPLAKE_T}").digest()
    assert len(first) == 12
    assert "one" not in first


def test_a_secret_survives_copies_and_processes() -> None:
    secret = Secret(Template("x${env:A}", "f.yaml:1:2"))
    for other in (copy.deepcopy(secret), pickle.loads(pickle.dumps(secret))):  # noqa: S301 - our own bytes
        assert other == secret
        assert str(other) == "***"


def test_an_unset_variable_says_where_the_spec_names_it() -> None:
    secret = Holder.model_validate(
        {"password": Template("${env:OPLAKE_NEVER_SET}", "specs/targets/local.yaml:3:8"), "port": 1}
    ).password
    with pytest.raises(Exception, match=r"local\.yaml:3:8: the environment variable OPLAKE_NEVER_SET is not set"):
        secret.reveal()


@pytest.mark.parametrize("value", ["", 5, None, ["x"], True])
def test_only_text_can_be_a_secret(value: object) -> None:
    with pytest.raises(ValidationError):
        Holder.model_validate({"password": value, "port": 1})
