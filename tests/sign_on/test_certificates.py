"""The issuer is asked over TLS, and its certificate has to be from an authority that this host trusts."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from service.access.issuer import ClaimNames, Issuer, IssuerError, IssuerSettings
from tests.sign_on.issuer import running

pytestmark = pytest.mark.anyio


def _certificate(file: Path, host: str) -> ssl.SSLContext:
    """A certificate for this address that nobody has signed but itself, as a server has it; `file` gets a copy."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer of a test")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    both = file.with_suffix(".both")
    both.write_bytes(secret + file.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context


@pytest.mark.clause("ASVS 12.3.2")
@pytest.mark.parametrize(
    ("host", "is_trusted", "is_good"),
    [("127.0.0.1", True, True), ("127.0.0.1", False, False), ("127.0.0.2", True, False)],
)
async def test_only_a_trusted_certificate_of_that_host_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, is_trusted: bool, is_good: bool
) -> None:
    file = tmp_path / "authority.pem"
    context = _certificate(file, host)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with running(context) as issuer:
        asked = Issuer(IssuerSettings(issuer.url, "pages", None, None, ClaimNames("role", "unit", "area")))
        if is_good:
            assert (await asked.document())["issuer"] == issuer.url
            return
        with pytest.raises(IssuerError, match="cannot be reached"):
            await asked.document()
        assert issuer.requests.total() == 0
