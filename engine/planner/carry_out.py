"""Carries a plan out, step by step, under the journal: a crash anywhere is resumed by doing it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from engine.errors import InternalError
from engine.planner.gate import refuse_in_use
from engine.planner.plan import Plan, read_plan
from engine.planner.steps import steps_of
from engine.resources.change import Change
from engine.resources.resource import Kind, Observed, Verb
from engine.state.applied import Applied, Origin
from engine.state.journal import Journal, Journals, JournalStep
from engine.state.runs import Runs
from engine.telemetry.crash_points import reach

Progress: TypeAlias = Callable[[JournalStep, Change, int], None]
"""Told before each step: the step, its change, and how many steps there are."""


@dataclass(frozen=True, slots=True)
class Executor:
    """What it takes to carry out the plans of one target."""

    journals: Journals
    kinds: Mapping[str, Kind]
    runs: Runs
    progress: Progress

    def start(self, plan: Plan) -> int:
        """Open a journal for the plan and carry it out; returns how many steps were done.

        Raises:
            TableInUse: a run writes a table that would be deleted; nothing has been changed.
        """
        steps = steps_of(plan)
        refuse_in_use(steps, plan, self.runs)
        journal = self.journals.start(plan.digest, plan.to_text(), steps)
        reach("apply.journal.opened")
        return self._carry_out(journal, plan)

    def resume(self, journal: Journal) -> int:
        """Carry on with a journal that an apply left open; returns how many steps were still to do.

        Raises:
            TableInUse: a run writes a table that would be deleted.
        """
        plan = read_plan(journal.plan, f"journal {journal.id}")
        refuse_in_use([step for step in journal.steps if step.status != "done"], plan, self.runs)
        return self._carry_out(journal, plan)

    def _carry_out(self, journal: Journal, plan: Plan) -> int:
        changes = {change.address: change for change in plan.changes}
        to_do = [step for step in journal.steps if step.status != "done"]
        for step in to_do:
            change = changes.get(step.address)
            if change is None:
                raise InternalError(f"journal {journal.id} has a step that its plan does not know")
            self.progress(step, change, len(journal.steps))
            self._step(journal, step, change)
        reach("apply.journal.closing")
        self.journals.close(journal)
        return len(to_do)

    def _step(self, journal: Journal, step: JournalStep, change: Change) -> None:
        verb = Verb(step.verb)
        self.journals.begin_step(journal, step.number)
        reach("apply.step.before")
        stands = self.kinds[change.kind].act(verb, change, resumed=step.status == "started")
        reach("apply.step.after")
        if verb in {Verb.ERASE, Verb.FORGET}:
            self.journals.finish_step(journal, step.number, forget=change.address)
        else:
            origin = "created" if verb is Verb.CREATE else change.origin
            remember = _applied(change, cast("Origin", origin), stands)
            self.journals.finish_step(journal, step.number, remember=remember)


def _applied(change: Change, origin: Origin, stands: Observed) -> Applied:
    return Applied(
        address=change.address,
        kind=change.kind,
        pipeline=change.pipeline,
        origin=origin,
        identity=stands.identity,
        attributes=change.desired,
        observed=stands.attributes,
    )
