"""A restart in good order: whoever asks meanwhile gets an answer."""

from __future__ import annotations

import http.client
import json
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from engine.api.settings import Settings
from tests.api.conftest import Served
from tests.api.processes import free_port, get, server
from tests.api.test_metrics import values

pytestmark = pytest.mark.server
CONFIG = Path(__file__).parents[2] / "deploy" / "gunicorn.conf.py"
APPLICATION = "engine.api.application:from_environment()"

COUNTED = "oplake_api_requests_total['/api/v1/pipelines', '200', 'GET']"


def told(port: int, key: str) -> float:
    """Requests for pipelines, as whichever process is asked counts them for all."""
    return values(get(port, "/api/v1/metrics", key)[1].decode())[COUNTED]


def test_no_request_is_lost_while_all_processes_are_started_anew(served: Served, tmp_path: Path) -> None:
    port = free_port()
    environment = Settings(project=served.root).environment() | {"OPLAKE_API_BIND": f"127.0.0.1:{port}"}
    command = ["-m", "gunicorn", "-c", str(CONFIG), APPLICATION]
    done, answers, failures = threading.Event(), list[int](), list[Exception]()

    def ask() -> None:
        while not done.is_set():
            try:
                answers.append(get(port, "/api/v1/pipelines", served.keys["viewer"])[0])
            except OSError as error:
                failures.append(error)

    with server(command, port, environment, tmp_path / "gunicorn.log") as master:
        before = {child.pid for child in psutil.Process(master.pid).children()}
        senders = [threading.Thread(target=ask) for _ in range(4)]
        for sender in senders:
            sender.start()
        master.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 60
        while before & {child.pid for child in psutil.Process(master.pid).children()}:
            assert time.monotonic() < deadline, "the old processes did not end"
            time.sleep(0.2)
        count = len(answers)
        while len(answers) < count + 20 and time.monotonic() < deadline:
            time.sleep(0.05)
        done.set()
        for sender in senders:
            sender.join()
        # An answer is counted once it is given; those that have ended have counted for all.
        while told(port, served.keys["viewer"]) != len(answers):
            assert time.monotonic() < deadline, "what the old processes counted is gone"
            time.sleep(0.2)
    assert failures == []
    assert set(answers) == {200}
    assert len(answers) > count


def opened(port: int) -> http.client.HTTPConnection:
    """A connection that the service has taken."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/api/v1/health")
    assert connection.getresponse().read()
    return connection


def followed(port: int, key: str, job: int) -> http.client.HTTPResponse:
    """The stream of a job, after its first event."""
    connection = opened(port)
    connection.request("GET", f"/api/v1/jobs/{job}/events", headers={"Authorization": f"Bearer {key}"})
    stream = connection.getresponse()
    assert stream.readline() == b"event: job\n"
    return stream


def test_a_stop_ends_streams_whole_answers_what_is_in_hand_and_leaves_jobs_to_the_next_service(
    served: Served, tmp_path: Path
) -> None:
    jobs, key = served.app.state.service.jobs, served.keys["viewer"]
    jobs.ask("snapshot", {"collections": ["shop.orders"]}, "someone")
    job = jobs.claim()
    environment = Settings(project=served.root).environment()
    body = json.dumps({"sql": "select count(*) as n from orders"}).encode()

    def command(port: int) -> list[str]:
        serving = ["-c", "from engine.cli.main import main; main()", "serve", "--port", str(port)]
        return [*serving, "--project", str(served.root)]

    port = free_port()
    with server(command(port), port, environment, tmp_path / "first.log") as first:
        stream, asking = followed(port, key, job.id), opened(port)
        asking.putrequest("POST", "/api/v1/queries")
        for name, value in (("Authorization", f"Bearer {key}"), ("Content-Type", "application/json")):
            asking.putheader(name, value)
        asking.putheader("Content-Length", str(len(body)))
        asking.endheaders(body[:5])
        first.send_signal(signal.SIGTERM)
        assert b'"status":"running"' in stream.read(), "and the stream was not cut off"
        asking.send(body[5:])
        assert json.loads(asking.getresponse().read()) == [{"n": 3}]
        assert first.wait(60) == -signal.SIGTERM, "Uvicorn ends by the signal it was stopped with"
    port = free_port()
    with server(command(port), port, environment, tmp_path / "second.log"):
        stream = followed(port, key, job.id)
        jobs.end(job, "done", result={})
        assert b'"status":"done"' in stream.read()
