"""The certificate authority of one `shopforum dev --tls` instance, and the server certificate that it has issued.

Browsers bind a session to the device only over https, and never over http on localhost. So the data folder has a small
authority of its own, which a developer may trust: by its name constraints it can vouch for this machine's own names and for
no others (RFC 5280, 4.2.1.10). Both are made once, kept, and made anew when they are about to expire.
"""

import base64
import hashlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from shopforum.core.sites import SITES

from .instance import write_private
from .processes import StartError

_LOOPBACK = IPv4Address("127.0.0.1")
# Each name is written out: browsers take no wildcard below a top-level domain.
_NAMES = ["localhost", *(f"{site}.localhost" for site in SITES)]
# Some clients refuse a server certificate that is valid for longer than 398 days.
_AUTHORITY_LIFE, _SERVER_LIFE = timedelta(days=3650), timedelta(days=90)
_RENEW_BEFORE = timedelta(days=30)
# For a clock that is a little behind, such as that of a virtual machine.
_BACKDATED = timedelta(hours=1)


@dataclass(frozen=True)
class ServerCertificate:
    """The files of an instance: `authority`, which clients may trust, and `file`, the server's private key and certificate.

    `spki` is base64 of the SHA-256 of the server's public key, as Chromium's
    `--ignore-certificate-errors-spki-list` takes it.
    """

    authority: Path
    file: Path
    spki: str

    def context(self) -> ssl.SSLContext:
        """Return the TLS settings of a server with this certificate. It speaks HTTP/1.1."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        context.set_alpn_protocols(["http/1.1"])
        return context


@dataclass(frozen=True)
class _Identity:
    """A private key and its certificate. They are kept in one file, so that they always belong together."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read a file; None if there is none. Raises StartError if it is damaged."""
        try:
            pem = path.read_bytes()
            key = load_pem_private_key(pem, None)
            certificate = x509.load_pem_x509_certificate(pem)
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise _damaged(path) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise _damaged(path)
        return cls(key, certificate)

    def save(self, path: Path) -> None:
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(path, (key + self.certificate.public_bytes(Encoding.PEM)).decode())

    def expires_soon(self) -> bool:
        return self.certificate.not_valid_after_utc < datetime.now(UTC) + _RENEW_BEFORE


def server_certificate(folder: Path) -> ServerCertificate:
    """Return the server certificate of an instance, from files in `folder`; what is missing or expires soon is made.

    Raises StartError for a damaged file.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    authority = _Identity.load(folder / "authority.pem")
    if authority is None or authority.expires_soon():
        authority = _make_authority()
        authority.save(folder / "authority.pem")
    path = folder / "ca.pem"
    write_private(path, authority.certificate.public_bytes(Encoding.PEM).decode())
    server = _Identity.load(folder / "server.pem")
    if server is None or server.expires_soon() or not _is_issued_by(authority, server):
        server = _make_server(authority)
        server.save(folder / "server.pem")
    public = server.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    spki = base64.b64encode(hashlib.sha256(public).digest()).decode()
    return ServerCertificate(path, folder / "server.pem", spki)


def _damaged(path: Path) -> StartError:
    return StartError(f"{path} is damaged: remove {path.parent}, and trust the new authority")


def _is_issued_by(authority: _Identity, server: _Identity) -> bool:
    try:
        server.certificate.verify_directly_issued_by(authority.certificate)
    except Exception:  # noqa: BLE001  InvalidSignature, ValueError, TypeError: each says that another has issued it
        return False
    return True


def _make_authority() -> _Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    # With a number: a browser that trusts the authority of another folder must not take one for the other.
    name = _name(f"shopforum development {x509.random_serial_number() % 0xFFFFFFFF:08x}")
    constraints = x509.NameConstraints(
        permitted_subtrees=[x509.DNSName("localhost"), x509.IPAddress(IPv4Network(f"{_LOOPBACK}/32"))],
        excluded_subtrees=None,
    )
    builder = (
        _certificate(name, key, name, key, _AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True), critical=True)
        .add_extension(constraints, critical=True)
    )
    return _Identity(key, builder.sign(key, hashes.SHA256()))


def _make_server(authority: _Identity) -> _Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [*(x509.DNSName(name) for name in _NAMES), x509.IPAddress(_LOOPBACK)]
    issuer = authority.certificate.subject
    builder = (
        _certificate(_name("localhost"), key, issuer, authority.key, _SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )
    return _Identity(key, builder.sign(authority.key, hashes.SHA256()))


def _certificate(
    name: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    life: timedelta,
) -> x509.CertificateBuilder:
    """Begin a certificate: the fields that an authority and a server have in common."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
