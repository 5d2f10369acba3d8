"""The journal: what was begun, what is done, and that both are one transaction with the resource."""

from __future__ import annotations

from engine.state.applied import Applied, AppliedResources
from engine.state.database import Database
from engine.state.journal import Journals, JournalStep

STEPS = (JournalStep(1, "table.a", "create"), JournalStep(2, "table.b", "create"))


def test_a_new_journal_waits_at_its_first_step(database: Database) -> None:
    journal = Journals(database, "local").start("d1", "{}", STEPS)
    assert [step.status for step in journal.steps] == ["waiting", "waiting"]
    assert journal.done == 0


def test_a_step_that_was_begun_and_not_finished_is_seen_by_the_next_process(database: Database) -> None:
    journals = Journals(database, "local")
    journal = journals.start("d1", "{}", STEPS)
    journals.begin_step(journal, 1)
    journals.finish_step(journal, 1)
    journals.begin_step(journal, 2)
    found = Journals(database, "local").unfinished()
    assert found is not None
    assert found.done == 1
    assert not found.started("table.a")
    assert found.started("table.b")


def test_finishing_a_step_remembers_the_resource_with_it(database: Database) -> None:
    journals = Journals(database, "local")
    journal = journals.start("d1", "{}", STEPS)
    journals.finish_step(journal, 1, remember=Applied("table.a", "table", "p", "created", "id", {"mode": "current"}))
    assert AppliedResources(database, "local").all()["table.a"].attributes == {"mode": "current"}
    journals.finish_step(journal, 2, forget="table.a")
    assert AppliedResources(database, "local").all() == {}


def test_a_closed_journal_is_not_resumed(database: Database) -> None:
    journals = Journals(database, "local")
    journals.close(journals.start("d1", "{}", STEPS))
    assert journals.unfinished() is None


def test_a_new_journal_takes_the_place_of_one_that_was_open(database: Database) -> None:
    journals = Journals(database, "local")
    journals.start("d1", "{}", STEPS)
    second = journals.start("d2", "{}", STEPS)
    found = journals.unfinished()
    assert found == second
    journals.close(second)
    assert journals.unfinished() is None


def test_the_journals_of_two_targets_do_not_meet(database: Database) -> None:
    Journals(database, "local").start("d1", "{}", STEPS)
    assert Journals(database, "prod").unfinished() is None
