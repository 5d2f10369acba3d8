"""Several writers put the same new object into a store at once, each on the condition that it is not there yet."""

from __future__ import annotations

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Barrier

import httpx

from engine.errors import OplakeError, RetryableError
from engine.lake.delta_errors import untrusted
from engine.lake.s3_signature import Credentials, signed_headers

WRITERS = 8
REQUEST_TIMEOUT_S = 10.0
_UNTRUSTED = re.compile(r"certificate verify failed: (.*?)(?: \(_ssl\.c:\d+\))?$")
_ONLY_IF_NEW = {"If-None-Match": "*"}


@dataclass(frozen=True, slots=True)
class PutRace:
    """A race in one folder of a store, under a name that was never used."""

    folder_url: str
    credentials: Credentials

    def statuses(self) -> list[int]:
        """What the store answers to ``WRITERS`` puts at once, and to one more when all of them are done.

        Raises:
            RetryableError: it did not answer one of them.
            LakeError: its certificate is not trusted.
        """
        name = uuid.uuid4().hex
        limits = httpx.Limits(max_connections=WRITERS)
        try:
            with httpx.Client(timeout=REQUEST_TIMEOUT_S, limits=limits) as client:
                try:
                    return [*self._at_once(client, name), self._put(client, name, b"last")]
                finally:
                    with suppress(httpx.HTTPError):  # what then stays behind is one object of a byte
                        self._send(client, "DELETE", name, {}, b"")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unanswered(error, self.folder_url) from error

    def _at_once(self, client: httpx.Client, name: str) -> list[int]:
        start = Barrier(WRITERS)

        def put(writer: int) -> int:
            start.wait(REQUEST_TIMEOUT_S)
            return self._put(client, name, str(writer).encode())

        with ThreadPoolExecutor(WRITERS) as pool:
            return list(pool.map(put, range(WRITERS)))

    def _put(self, client: httpx.Client, name: str, body: bytes) -> int:
        return self._send(client, "PUT", name, _ONLY_IF_NEW, body)

    def _send(self, client: httpx.Client, method: str, name: str, headers: dict[str, str], body: bytes) -> int:
        url = f"{self.folder_url}/{name}"
        signed = signed_headers(method, url, headers, body, self.credentials, datetime.now(UTC))
        return client.request(method, url, headers=signed, content=body).status_code


def _unanswered(error: Exception, url: str) -> OplakeError:
    distrust = _UNTRUSTED.search(str(error))
    if distrust is not None:
        return untrusted(url, distrust[1])
    return RetryableError(str(error) or type(error).__name__, where=url, remedy="ask again")
