"""The processes that share the tables: those of a supervisor, and guests that come and go as other hosts do.

A guest is `oplake run` as well, forked from a process that has its libraries loaded: its death costs next to nothing.
"""

from __future__ import annotations

import logging
import random
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil

from tests.chaos.project import PATIENCE_S, ChaosProject
from tests.faults.nursery import Nursery
from tests.faults.running import Running

_log = logging.getLogger(__name__)
WORKERS = 2
FROZEN_S = 6.0
"""Longer than the session of a member of the consumer group: its partitions are taken over."""


class Hosts:
    """One host with a supervisor and its workers, and a guest for each nursery."""

    def __init__(self, project: ChaosProject, nurseries: Sequence[Nursery], chance: random.Random) -> None:
        self._project, self._nurseries, self._random = project, nurseries, chance
        self._supervisor = self._start()
        self._guests = [self._invite(nursery) for nursery in nurseries]
        self._is_away = False
        """Whether the last guest has been asked to leave."""
        self._frozen: list[tuple[float, psutil.Process]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End whatever still runs: the workers of a supervisor that is killed end by themselves."""
        self._thaw(time.monotonic())
        self._supervisor.process.kill()
        self._supervisor.process.wait(PATIENCE_S)
        for guest in self._guests:
            guest.kill()

    @property
    def text(self) -> str:
        """The end of what the supervisor and its workers have logged."""
        return self._supervisor.text[-4000:]

    def look_after(self) -> None:
        """Thaw those that were frozen for long enough, and start again what ended by itself (a crash loop)."""
        self._thaw(time.monotonic() - FROZEN_S)
        if self._supervisor.process.poll() is not None:
            _log.info("the supervisor ended by itself")
            self._supervisor = self._start()
        for number in self._present():
            if self._guests[number].has_ended:
                _log.info("guest %d ended by itself", number)
                self._invite_again(number)

    def kill_supervisor(self) -> bool:
        """Its workers notice, and end by themselves: those that are frozen, when they wake up."""
        self._supervisor.process.kill()
        self._supervisor.process.wait(PATIENCE_S)
        self._supervisor = self._start()
        return True

    def kill_worker(self) -> bool:
        """One of the supervisor's processes, which starts another; False when there is none just now."""
        workers = self._workers()
        if not workers:
            return False
        self._random.choice(workers).kill()
        return True

    def kill_guest(self) -> bool:
        """A guest; another takes its place at once. False when it had ended before."""
        return self._invite_again(self._random.choice(self._present())) == -signal.SIGKILL

    def come_or_go(self) -> bool:
        """The last guest leaves in good order, or is there again."""
        self._is_away = not self._is_away
        if self._is_away:
            self._guests[-1].send(signal.SIGCONT)
            self._guests[-1].send(signal.SIGTERM)
        else:
            self._invite_again(len(self._guests) - 1)
        return True

    def freeze(self) -> bool:
        """Stop a worker or a guest in whatever it does; it wakes up when others have its partitions."""
        guests = [psutil.Process(self._guests[number].process.pid) for number in self._present()]
        process = self._random.choice([*self._workers(), *guests])
        process.suspend()
        self._frozen.append((time.monotonic(), process))
        return True

    def stop(self) -> None:
        """End all in good order."""
        self._thaw(time.monotonic())
        everybody = (self._supervisor, *self._guests)
        for running in everybody:
            running.send(signal.SIGTERM)
        for running in everybody:
            running.wait(PATIENCE_S)

    def _start(self) -> Running:
        return self._project.start("run", "--workers", str(WORKERS))

    def _invite(self, nursery: Nursery) -> Running:
        return self._project.start("run", nursery=nursery)

    def _invite_again(self, number: int) -> int:
        """Another guest in the place of one, which is killed; how that one ended."""
        code = self._guests[number].kill()
        self._guests[number] = self._invite(self._nurseries[number])
        return code

    def _present(self) -> list[int]:
        return list(range(len(self._guests) - self._is_away))

    def _workers(self) -> list[psutil.Process]:
        if self._supervisor.process.poll() is not None:
            return []
        children = psutil.Process(self._supervisor.process.pid).children()
        return [child for child in children if child.status() != psutil.STATUS_ZOMBIE]

    def _thaw(self, frozen_before: float) -> None:
        for since, process in self._frozen:
            if since <= frozen_before:
                with suppress(psutil.NoSuchProcess):  # killed meanwhile
                    process.resume()
        self._frozen = [one for one in self._frozen if one[0] > frozen_before]
