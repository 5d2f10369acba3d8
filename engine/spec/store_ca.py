"""Lets this process trust the authority that signed an object store's certificate.

The Delta library takes no authority for one store: it reads ``SSL_CERT_FILE`` when it connects, and so do DuckDB's
Delta extension and our own HTTP client. So the whole process trusts it, and every process that this one starts.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock

from engine.errors import UserError

FILE, FOLDER = "SSL_CERT_FILE", "SSL_CERT_DIR"
SYSTEM_FOLDER = "/etc/ssl/certs"
_changing = Lock()


def trust(file: Path, where: str) -> None:
    """Trust the certificates of a file (PEM) from now on, beside those in the system's folder of certificates.

    Args:
        where: ``file:line:column`` of the spec that names it.

    Raises:
        UserError: it holds no certificate, or the process trusts those of another file.
    """
    with _changing:
        known = os.environ.get(FILE)
        if known == str(file):
            return
        _require_certificates(file, where)
        if known:
            raise UserError(
                f"this process trusts the certificates of {known} already, and of one file only",
                where=where,
                remedy=f"put the certificates of both into one file and name it here (and in {FILE}, or the other "
                "target's lake.storage.ca)",
            )
        import ssl  # noqa: PLC0415 - every command reads targets, and few name an authority

        # With a file of its own the library reads the system's folder only when it is named.
        os.environ.setdefault(FOLDER, ssl.get_default_verify_paths().capath or SYSTEM_FOLDER)
        os.environ[FILE] = str(file)


def _require_certificates(file: Path, where: str) -> None:
    import ssl  # noqa: PLC0415 - see trust

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError:
        reason = "it holds no certificate"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    else:
        return
    raise UserError(
        f"the certificates that the store's own is checked against cannot be read from {file}: {reason}",
        where=where,
        remedy="name a PEM file with the certificate of the authority that signed the store's",
    )
