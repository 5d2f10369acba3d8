"""Who may do what, how often, and what is written down of it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.api.conftest import Served, serve, spec
from tests.serving import served

pytestmark = pytest.mark.server
DIGEST = "0" * 64


def test_nothing_is_told_without_a_key_but_that_the_service_lives(served: Served) -> None:
    described = served.get("/openapi.json", None).json()["paths"]
    for path, methods in described.items():
        for method in methods:
            if path in ("/api/v1/health", "/api/v1/ready"):
                continue
            url = path.replace("{name}", "orders").replace("{job_id}", "1").replace("{verb}", "start")
            url = url.replace("{table}", "orders").replace("{kind}", "current")
            answer = served.ask(lambda client, m=method, u=url: client.request(m, u, json={}), None)  # type: ignore[misc]
            assert (answer.status_code, answer.headers.get("www-authenticate")) == (401, "Bearer"), (method, path)


def test_a_role_may_what_the_lesser_roles_may_and_no_more(served: Served) -> None:
    assert served.get("/pipelines", "viewer").status_code == 200
    assert served.post("/pipelines/orders/pause", role="viewer").json()["code"] == "forbidden"
    assert served.post("/pipelines/orders/pause", role="operator").status_code == 202
    assert served.post("/applies", {"digest": DIGEST}, "operator").status_code == 403
    assert served.get("/audit", "operator").status_code == 403
    assert served.get("/pipelines/orders/dead-letters?content=true", "viewer").status_code == 403


CHANGES = {
    ("put", "/api/v1/pipelines/{name}"): ("admin", {"spec": "pipeline: nothing"}, 403),
    ("delete", "/api/v1/pipelines/{name}"): ("admin", None, 403),
    ("post", "/api/v1/pipelines/{name}/validate"): ("operator", {"spec": "pipeline: nothing"}, 200),
    ("post", "/api/v1/pipelines/{name}/plan"): ("admin", {"spec": "pipeline: nothing"}, 422),
    ("post", "/api/v1/pipelines/{name}/{verb}"): ("operator", None, 404),
    ("post", "/api/v1/pipelines/{name}/dead-letters/replay"): ("operator", None, 404),
    ("post", "/api/v1/pipelines/{name}/dead-letters/drop"): ("admin", {}, 404),
    ("post", "/api/v1/jobs/{job_id}/cancel"): ("operator", None, 404),
    ("post", "/api/v1/applies"): ("admin", {"digest": "short"}, 422),
    ("post", "/api/v1/snapshots"): ("operator", {"collections": []}, 422),
    ("post", "/api/v1/reconciliations"): ("operator", {"pipelines": ["nothing"]}, 400),
    ("post", "/api/v1/queries"): ("viewer", {"sql": "select * from nothing"}, 400),
}
"""What changes something, or asks for it: the role that it takes, and the status for a name that nothing has."""


def test_every_address_refuses_the_lesser_role_and_knows_no_name_that_nothing_has(root: Path) -> None:
    one = serve(root)
    described = one.get("/openapi.json").json()["paths"]
    wrong = {"{name}": "nothing", "{job_id}": "99999", "{verb}": "start", "{table}": "nothing", "{kind}": "current"}
    seen = set()
    for path, methods in described.items():
        for method in methods:
            role, body, status = CHANGES.get((method, path), ("viewer", None, 404 if "{" in path else 200))
            if path == "/api/v1/audit":
                role = "admin"
            if path in ("/api/v1/events", "/api/v1/health", "/api/v1/ready"):
                continue  # a stream does not end; the other two are open to all
            url = path
            for name, value in wrong.items():
                url = url.replace(name, value)

            def ask(who: str, m: str = method, u: str = url, b: Any = body) -> Any:  # noqa: ANN401
                return one.ask(lambda client: client.request(m, u, json=b), who)

            seen.add((method, path))
            assert (ask(role).status_code, method, path) == (status, method, path)
            if role != "viewer":
                lesser = ask({"admin": "operator", "operator": "viewer"}[role])
                assert (lesser.status_code, lesser.json()["code"]) == (403, "forbidden"), (method, path)
    assert set(CHANGES) <= seen
    assert len(seen) > 20


def test_a_revoked_key_opens_nothing_and_its_use_is_limited(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = serve(root, failures_per_address="3/minute")
    monkeypatch.setattr("engine.api.identity.REMEMBERED_S", 0.0)
    assert one.get("/me", "viewer").json() == {
        "actor": f"key viewer ({one.keys['viewer'].split('_')[1]})",
        "role": "viewer",
    }
    one.app.state.service.keys.revoke(one.keys["viewer"].split("_")[1])
    assert [one.get("/me", "viewer").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert one.get("/me", "admin").status_code == 429, "the address is shut out, whichever key it tries"
    assert one.ask(lambda client: client.get("/api/v1/me"), "admin", address="10.0.0.2").status_code == 200


def test_a_key_and_an_address_are_limited_apart(root: Path) -> None:
    one = serve(root, per_key="2/minute", per_address="4/minute")
    statuses = [one.get("/me", role).status_code for role in ("viewer", "viewer", "viewer", "admin", "admin")]
    assert statuses == [200, 200, 429, 200, 429]
    assert int(one.get("/me", "admin").headers["retry-after"]) >= 1


def test_every_change_is_written_down_before_it_is_answered(served: Served) -> None:
    answer = served.post("/pipelines/orders/stop", role="operator", **{"X-Request-ID": "ticket-7"})
    assert answer.headers["x-request-id"] == "ticket-7"
    served.put("/pipelines/orders", {"spec": spec({})})
    refused, also_asked, stopped, asked = served.get("/audit?limit=4").json()["items"]
    assert [one["outcome"] for one in (asked, also_asked)] == ["asked", "asked"]
    assert (stopped["action"], stopped["subject"]) == (
        "POST /api/v1/pipelines/{name}/{verb}",
        "/api/v1/pipelines/orders/stop",
    )
    assert (stopped["request"], stopped["role"], stopped["outcome"]) == ("ticket-7", "operator", "202")
    assert (refused["role"], refused["outcome"]) == ("admin", "403 specs-owned-by-git")


def test_a_change_that_cannot_be_written_down_is_not_made(served: Served) -> None:
    served.post("/pipelines/orders/stop")
    with sqlite3.connect(served.root / ".oplake" / "state.db") as state:
        state.execute("create trigger full before insert on audit begin select raise(abort, 'no space left'); end")
    try:
        refused = served.post("/pipelines/orders/pause")
        assert served.app.state.service.wanted.all()["orders"].wish == "stopped"
        assert (refused.status_code, refused.json()["code"]) == (503, "state-unavailable")
    finally:
        with sqlite3.connect(served.root / ".oplake" / "state.db") as state:
            state.execute("drop trigger full")
    assert served.post("/pipelines/orders/pause").status_code == 202


def test_specs_that_git_owns_are_not_written_and_the_services_own_are(root: Path) -> None:
    one = serve(root, specs="api")
    before = (root / "specs" / "pipelines" / "orders.yaml").read_text()
    tag = one.get("/pipelines/orders").json()["spec_etag"]
    wrong = one.put("/pipelines/orders", {"spec": spec({"mode": "x"})})
    assert (wrong.status_code, (root / "specs" / "pipelines" / "orders.yaml").read_text()) == (422, before)
    put = one.put("/pipelines/orders", {"spec": spec({"mode": "history"})}, **{"If-Match": tag})
    assert put.status_code == 200
    late = one.put("/pipelines/orders", {"spec": spec({"mode": "changes"})}, **{"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "changed-meanwhile")
    assert one.put("/pipelines/..%2fevil", {"spec": spec({})}).status_code in (404, 405, 422)
    one.put("/pipelines/orders", {"spec": before})


def test_a_body_over_the_limit_is_refused_however_it_is_sent(root: Path) -> None:
    one = serve(root, max_body=1000)

    async def pieces() -> Any:  # noqa: ANN401
        for _ in range(20):
            yield b"x" * 100

    assert one.post("/queries", {"sql": "x" * 2000}).status_code == 413
    assert one.ask(lambda client: client.post("/api/v1/queries", content=pieces())).status_code == 413


def test_without_authentication_only_this_machine_is_served_by_its_own_names(root: Path) -> None:
    one = serve(root, auth="off")

    def status(address: str, host: str) -> int:
        return one.ask(
            lambda client: client.get("/api/v1/me", headers={"Host": host}), None, address=address
        ).status_code

    assert status("127.0.0.1", "127.0.0.1:8000") == 200
    assert status("::1", "localhost") == 200
    assert status("10.0.0.1", "127.0.0.1:8000") == 401
    assert status("127.0.0.1", "rebound.example") == 401


def test_browsers_are_told_to_keep_to_this_host_and_other_origins_get_nothing(served: Served) -> None:
    page = served.ask(lambda client: client.get("/"), None)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"
    answer = served.get("/me", Origin="https://elsewhere.example")
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.fixture
def provider() -> Iterator[tuple[str, Any]]:
    """An OpenID provider's key set, and the key to sign with."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "1", "use": "sig"}

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": [public]}).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Keys)
    with served(server):
        yield f"http://127.0.0.1:{server.server_port}/keys", key


def test_a_providers_token_is_taken_when_all_of_it_is_right(root: Path, provider: tuple[str, Any]) -> None:
    jwks, key = provider
    one = serve(
        root, oidc_jwks=jwks, oidc_issuer="https://idp", oidc_audience="oplake", failures_per_address="99/minute"
    )
    good = {"iss": "https://idp", "aud": "oplake", "sub": "ann", "exp": time.time() + 60, "roles": ["operator"]}

    def role(signer: Any = key, algorithm: str = "RS256", **changed: Any) -> Any:  # noqa: ANN401
        token = jwt.encode({**good, **changed}, signer, algorithm, headers={"kid": "1"})
        answer = one.ask(lambda client: client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}), None)
        return answer.json().get("role")

    assert role() == "operator"
    assert role(roles=["viewer", "admin"]) == "admin"
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    wrong: list[dict[str, Any]] = [{"aud": "else"}, {"iss": "x"}, {"exp": 1}, {"roles": []}, {"roles": ["root"]}]
    assert [role(**change) for change in wrong] == [None] * 5
    assert role(other) is None
    assert role("a-shared-secret-that-is-long-enough", "HS256") is None
