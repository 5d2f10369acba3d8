"""A process is dead when nothing of it can act any more, and not before."""

from __future__ import annotations

import subprocess
import sys

from engine.state.process import Process

LEAVES_A_THREAD = """
import ctypes, sys, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
print("up", flush=True)
sys.stdin.read()
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_that_its_parent_has_not_asked_for_is_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        process = Process.of(child.pid)
        assert not process.is_surely_dead()
        child.kill()
        while not process.is_surely_dead():
            pass
        assert child.poll() is not None


def test_a_process_lives_as_long_as_one_of_its_threads() -> None:
    command = [sys.executable, "-c", LEAVES_A_THREAD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        process = Process.of(child.pid)
        child.stdin.close()
        while _state(child.pid) != "Z":
            pass
        taken_for_dead = process.is_surely_dead()
        child.kill()
        child.wait()
        assert not taken_for_dead
        assert process.is_surely_dead()


def _state(pid: int) -> str:
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return stat.read().rpartition(")")[2].split()[0]
