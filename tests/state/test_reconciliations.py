"""Who has a reconciliation in hand: one process at a time, and a former one can write nothing of it any more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.state.checkpoints import Checkpoints
from engine.state.database import Database
from engine.state.reconciliations import Reconciliations
from engine.state.tenure import PassTaken

RUN = "one"


@pytest.fixture
def kept(database: Database) -> Reconciliations:
    return Reconciliations(database, "local")


def test_of_many_that_take_over_at_once_one_has_it(kept: Reconciliations) -> None:
    begun = kept.begin(RUN, "things", "full", {"key": "k"})
    with ThreadPoolExecutor(8) as pool:
        taken = [one for one in pool.map(lambda _: kept.take_over(begun), range(8)) if one is not None]
    assert [one.tenure for one in taken] == [2]
    found = kept.get(RUN)
    assert found is not None
    assert (found.tenure, found.settings["key"], found.is_under_way) == (2, "k", True)


def test_a_process_whose_pass_was_taken_over_can_write_nothing_of_it(kept: Reconciliations, database: Database) -> None:
    before = kept.begin(RUN, "things", "full", {})
    after = kept.take_over(before)
    assert after is not None
    old, new = (Checkpoints(database, RUN, one.hold.renew) for one in (before, after))
    new.put("chunk", 2)

    for written in (
        lambda: kept.renew(before.hold),
        lambda: old.put("chunk", 1),
        lambda: kept.finish(before.hold, {}, 0, 7),
    ):
        with pytest.raises(PassTaken, match="carried on by another"):
            written()
    assert not kept.give_up(before.hold)

    assert new.all() == {"chunk": 2}
    kept.finish(after.hold, {}, 0, 9)
    assert kept.verified_until("things") == 9


def test_a_process_whose_pass_was_given_up_can_write_nothing_of_it(kept: Reconciliations, database: Database) -> None:
    begun = kept.begin(RUN, "things", "full", {})
    assert kept.give_up(begun.hold)
    with pytest.raises(PassTaken):
        Checkpoints(database, RUN, begun.hold.renew).put("chunk", 1)
    assert Checkpoints(database, RUN).all() == {}
    assert kept.take_over(begun) is None
