"""``python -m services.stack.certificates FOLDER NAME...``: certificates by which the object store's parts know each other.

SeaweedFS asks nobody who comes by the ports of its master, volume server, filer and admin server, until ``security.toml`` names
certificates: then each asks for one that our own authority has signed. That authority signs this one and is forgotten, so that
no other can ever be made; and as nobody else trusts it, nothing is won by an end of its validity, on a night like any other.
"""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from services.stack.files import private_folder, write_private

_AUTHORITY, _CERTIFICATE, _KEY, _SECURITY = "ca.pem", "cert.pem", "key.pem", "security.toml"
_GRPC = ("master", "volume", "filer", "s3", "admin", "worker", "client", "mq", "msg_broker", "msg_agent")
_HTTPS = ("master", "volume", "filer", "admin")
# "No well-defined expiration date" (RFC 5280, section 4.1.2.5).
_FOR_EVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def ensure(folder: Path, names: Iterable[str]) -> None:
    """Makes ``folder`` with a key and its certificate, unless they are there already, and SeaweedFS's configuration.

    Args:
        folder: only its owner can pass it.
        names: host names and addresses at which the parts are reached.
    """
    private_folder(folder)
    if not (folder / _KEY).exists():
        _issue(folder, names)
    write_private(folder / _SECURITY, _security(folder))


def _issue(folder: Path, names: Iterable[str]) -> None:
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _signed(_authority(authority_key), authority_key)
    certificate = _signed(_certificate(key, authority, names), authority_key)
    write_private(folder / _AUTHORITY, _pem(authority))
    write_private(folder / _CERTIFICATE, _pem(certificate))
    unprotected = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unprotected)
    write_private(folder / _KEY, private.decode())  # last: where it is, all is


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    name = _name("Dubline's object store")
    return (
        _valid(key)
        .subject_name(name)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )


def _certificate(key: ec.EllipticCurvePrivateKey, authority: x509.Certificate, names: Iterable[str]) -> x509.CertificateBuilder:
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    return (
        _valid(key)
        .subject_name(_name("dubline"))
        .issuer_name(authority.subject)
        .add_extension(x509.SubjectAlternativeName([_host(name) for name in names]), critical=False)
        .add_extension(both, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )


def _valid(key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    # A day back, for machines whose clocks differ.
    builder = x509.CertificateBuilder().not_valid_before(datetime.now(UTC) - timedelta(days=1)).not_valid_after(_FOR_EVER)
    return builder.public_key(key.public_key()).serial_number(x509.random_serial_number())


def _signed(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    return builder.sign(key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _security(folder: Path) -> str:
    """SeaweedFS's configuration: every part shows the one certificate, and asks whoever comes for one of the same authority."""
    cert, key, ca = (json.dumps(str(folder / name)) for name in (_CERTIFICATE, _KEY, _AUTHORITY))  # as TOML writes strings
    files, authority = f"cert = {cert}\nkey = {key}\n", f"ca = {ca}\n"
    parts = [f"[grpc]\n{authority}", f"[https.client]\nenabled = true\n{files}{authority}"]
    parts += [f"[grpc.{part}]\n{files}" for part in _GRPC]
    parts += [f"[https.{part}]\n{files}{authority}" for part in _HTTPS]
    return "\n".join(parts)


if __name__ == "__main__":
    ensure(Path(sys.argv[1]), sys.argv[2:])
