"""Gunicorn's worker with our server in it: ``worker_class = "engine.api.gunicorn_worker.ServiceWorker"``."""

from __future__ import annotations

import sys

from gunicorn.arbiter import Arbiter
from uvicorn_worker import UvicornWorker

from engine.api.server import Server


class ServiceWorker(UvicornWorker):  # type: ignore[misc]  # ships no types
    """Uvicorn under Gunicorn, ending as ``Server`` does."""

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = Server(self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
