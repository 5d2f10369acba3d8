"""A partition is taken for stuck when the brokers have more of it and nothing comes, twice in a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.source.silence import Silence


class Brokers:
    """What they would tell, and how often they were asked."""

    def __init__(self, **ends: int) -> None:
        self.at = {int(name.removeprefix("p")): end for name, end in ends.items()}
        self.asked = 0

    def ends(self, partitions: Iterable[int]) -> Mapping[int, int]:
        self.asked += 1
        return {partition: self.at[partition] for partition in partitions}


def test_partitions_at_their_end_may_be_silent_for_ever() -> None:
    brokers = Brokers(p0=5, p1=7)
    silence = Silence({0: 5, 1: 3}, brokers.ends, check_every_s=10)
    assert [silence.stuck([], 4, {1: 7}) for _ in range(30)] == [[]] * 30
    assert brokers.asked == 10


def test_one_that_is_silent_before_more_is_stuck_whatever_the_others_tell() -> None:
    brokers = Brokers(p0=100, p1=8)
    silence = Silence({0: 0, 1: 7}, brokers.ends, check_every_s=10)
    assert [silence.stuck([0], 5, {0: 1}) for _ in range(4)] == [[], [], [], [1]]


def test_one_that_comes_late_is_not_stuck() -> None:
    silence = Silence({0: 7}, Brokers(p0=8).ends, check_every_s=10)
    assert silence.stuck([], 10, {}) == []
    assert silence.stuck([0], 1, {0: 8}) == []
    assert [silence.stuck([], 10, {0: 8}) for _ in range(5)] == [[]] * 5


def test_reads_that_left_more_behind_count_for_nothing() -> None:
    brokers = Brokers(p0=8)
    silence = Silence({0: 7}, brokers.ends, check_every_s=10)
    assert [silence.stuck([], 0, {}) for _ in range(99)] == [[]] * 99
    assert brokers.asked == 0
