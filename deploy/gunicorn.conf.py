"""Gunicorn for the service: ``gunicorn -c deploy/gunicorn.conf.py "engine.api.application:from_environment()"``.

SIGHUP starts the processes anew one after the other, and those that end finish what they have in hand.
"""

import os
import tempfile

# Requests are counted in files that all processes share, so that /metrics tells of all whoever is asked.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="oplake-metrics-"))

bind = os.environ.get("OPLAKE_API_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("OPLAKE_API_WORKERS", "2"))
worker_class = "engine.api.gunicorn_worker.ServiceWorker"
timeout = 120
graceful_timeout = 30
keepalive = 5
max_requests = 100_000
max_requests_jitter = 10_000
accesslog = None  # the application logs requests itself
