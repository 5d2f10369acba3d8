"""Job checkpoints and the canonical JSON they are kept in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.state.canonical import canonical_json, digest, parse_object
from engine.state.checkpoints import Checkpoints
from engine.state.database import Database


def test_a_checkpoint_is_what_was_put_last(database: Database) -> None:
    job = Checkpoints(database, "reconcile:orders")
    assert job.get("split-1") is None
    job.put("split-1", {"done": 1})
    job.put("split-1", {"done": 2})
    assert job.get("split-1") == {"done": 2}
    job.clear()
    assert job.get("split-1") is None


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.booleans())))
def test_the_order_of_keys_does_not_change_a_digest(value: dict[str, object]) -> None:
    backwards = dict(reversed(list(value.items())))
    assert digest(value) == digest(backwards)
    assert parse_object(canonical_json(value)) == value


def test_nan_has_no_canonical_form() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"x": float("nan")})
