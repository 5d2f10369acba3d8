"""A certificate authority that no machine knows, and certificates of it for the loopback address."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from secrets import token_hex

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.stack.ports import LOOPBACK


@dataclass
class PrivateCa:
    """``file`` is what its users are told to trust."""

    file: Path
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self._name = _name(f"private authority {token_hex(4)}")
        made = _blank(self._name, self._name, self._key).add_extension(x509.BasicConstraints(True, None), critical=True)
        self.file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, folder: Path) -> tuple[Path, Path]:
        """A certificate for 127.0.0.1 and its key, as files of the folder."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))])
        made = _blank(_name("server"), self._name, key).add_extension(names, critical=False)
        certificate, private = folder / "certificate.pem", folder / "key.pem"
        certificate.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
        return certificate, private


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _blank(who: x509.Name, by: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    span = now - timedelta(hours=1), now + timedelta(hours=1)
    return x509.CertificateBuilder(by, who, key.public_key(), x509.random_serial_number(), *span)
