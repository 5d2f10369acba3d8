"""Signs of life of a pass that cannot be given any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import StateError
from engine.reconcile import heartbeat
from engine.reconcile.heartbeat import heard
from engine.state.database import Database, open_database
from engine.state.reconciliations import Reconciliations
from engine.state.tenure import PassTaken, Tenure
from tests.patience import wait_until

HOLD = Tenure("one", 1)


class Unforeseen(Exception):
    """A fault of oplake, say."""


class Failing(Reconciliations):
    """Cannot renew a hold; says why in turn, and the last for good."""

    def __init__(self, database: Database, *errors: Exception) -> None:
        super().__init__(database, "local")
        self.errors = list(errors)

    def renew(self, hold: Tenure) -> None:  # noqa: ARG002 - as its base has it
        raise self.errors.pop(0) if len(self.errors) > 1 else self.errors[0]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr(heartbeat, "HEARD_EVERY_S", 0.01)
    with closing(open_database(f"sqlite:///{tmp_path / 'state.db'}")) as opened:
        yield opened


def is_over(still_held: Callable[[], None]) -> bool:
    still_held()
    return False


@pytest.mark.parametrize("error", [Unforeseen("a bug"), PassTaken("it is another's")])
def test_a_pass_that_is_not_heard_of_any_more_ends_with_the_reason(state: Database, error: Exception) -> None:
    kept = Failing(state, StateError("it is away for a moment"), error)
    with pytest.raises(type(error)) as caught, heard(kept, HOLD) as still_held:
        wait_until(lambda: is_over(still_held))
    assert caught.value is error


def test_a_state_that_is_away_for_a_moment_ends_nothing(state: Database) -> None:
    away = [StateError("it is away for a moment") for _ in range(3)]
    kept = Failing(state, *away)
    with heard(kept, HOLD) as still_held:
        wait_until(lambda: len(kept.errors) == 1)
        still_held()
