"""As much of Kubernetes' API as Vault asks: whether a service account's token is one of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from engine.stack.ports import LOOPBACK
from tests.serving import served


@contextmanager
def token_review(known: set[str], account: str, namespace: str) -> Iterator[str]:
    """Answer reviews; yields the API's address. Only a known token is the account's."""

    class Review(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            is_known = asked["spec"]["token"] in known
            user = {"username": f"system:serviceaccount:{namespace}:{account}", "uid": "u-1"}
            status = {"authenticated": True, "user": user} if is_known else {"authenticated": False}
            body = json.dumps({"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "status": status})
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer((LOOPBACK, 0), Review)
    with served(server):
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
