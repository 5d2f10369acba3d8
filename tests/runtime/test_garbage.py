"""The cycle collector of a process that runs tables."""

from __future__ import annotations

import json
import subprocess
import sys

_IN_A_PROCESS = """
import gc, json, weakref
from engine.runtime.garbage import look_for_garbage_rarely

class Thing:
    pass

look_for_garbage_rarely()
looks = []
gc.callbacks.append(lambda phase, _: looks.append(phase))
records = [[number] for number in range(30_000)]
of_a_batch = len(looks)
first = Thing()
first.itself = first
seen = weakref.ref(first)
del first, records
for _ in range(200_000):
    thing = Thing()
    thing.itself = thing
print(json.dumps([of_a_batch, seen() is None, gc.get_freeze_count() > 0]))
"""


def test_a_batch_is_read_without_a_look_for_garbage_and_cycles_still_go() -> None:
    ran = subprocess.run([sys.executable, "-c", _IN_A_PROCESS], check=True, capture_output=True, timeout=60)
    assert json.loads(ran.stdout) == [0, True, True]
