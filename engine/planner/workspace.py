"""One scope with everything opened that planning and applying it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from engine.lake.store_probe import require_conditional_put
from engine.planner.builder import World, build_plan
from engine.planner.carry_out import Executor, Progress
from engine.planner.plan import Plan, read_plan
from engine.planner.scope import Scope
from engine.resources.collection import SourceView
from engine.resources.kinds import kinds_of
from engine.resources.resource import Kind
from engine.state.applied import Applied, AppliedResources
from engine.state.database import Database, open_database
from engine.state.journal import Journal, Journals
from engine.state.lock import hold
from engine.state.runs import Runs


@dataclass(frozen=True, slots=True)
class Workspace:
    """A scope, its state, and the kinds of resources that live in its target."""

    scope: Scope
    database: Database
    kinds: Mapping[str, Kind]

    @property
    def journals(self) -> Journals:
        """The journals of the target."""
        return Journals(self.database, self.scope.name)

    def applied(self) -> dict[str, Applied]:
        """What was applied last, by resource address."""
        return AppliedResources(self.database, self.scope.name).all()

    def unfinished(self) -> Journal | None:
        """The apply that stopped half-way, if there is one."""
        return self.journals.unfinished()

    def plan(self, source: SourceView, *, with_samples: bool = True) -> Plan:
        """Plan the scope; see ``build_plan``."""
        world = World(source, self.kinds, self.applied(), self.unfinished())
        return build_plan(self.scope, world, with_samples=with_samples)

    def executor(self, progress: Progress) -> Executor:
        """What carries plans out here."""
        return Executor(self.journals, self.kinds, Runs(self.database, self.scope.name), progress)

    def require_sound_store(self) -> None:
        """Refuse a lake in a store that would lose commits; see ``require_conditional_put``."""
        require_conditional_put(self.scope.lake, self.scope.target.lake.storage_options())

    @contextmanager
    def locked(self, purpose: str, *, break_lock: bool = False) -> Iterator[None]:
        """Nobody else changes this target inside the block.

        Raises:
            LockHeld: somebody does.
        """
        name = f"apply:{self.scope.name}"
        with hold(self.database, name, f"`oplake {purpose}`", break_lock=break_lock):
            yield


@contextmanager
def open_workspace(scope: Scope, *, create: bool, reset_offsets: bool = False) -> Iterator[Workspace]:
    """Open the scope's state and its kinds.

    Args:
        create: make the state database when there is none; those who only look do not.
        reset_offsets: whether new connectors may forget what earlier ones of their names had got to.

    Raises:
        StateError: the state cannot be opened.
        UserError: a secret that the target refers to is not there.
    """
    database = open_database(scope.target.state_url(scope.root), create=create)
    try:
        yield Workspace(scope, database, kinds_of(scope.target, reset_offsets=reset_offsets))
    finally:
        database.close()


def can_resume(journal: Journal, plan_now: Plan) -> bool:
    """Whether the apply that stopped was asked for by the specs as they are now."""
    then = read_plan(journal.plan, f"journal {journal.id}").binding
    return then.specs == plan_now.binding.specs and then.templates == plan_now.binding.templates
