"""Pools behind TLS, with certificates made for the test."""

from __future__ import annotations

import datetime
import ipaddress
import itertools
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from quorate.miner.work import Outcome

from .mining import Open, next_work, shares
from .server import Client, Pool

NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a key and its own certificate, for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test pool")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - datetime.timedelta(days=1))
        .not_valid_after(NOW + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    path = tmp_path / "pool.pem"
    path.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(encoding)
    )
    return path


def pool_with(certificate: Path) -> Pool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return Pool(tls=context)


@pytest.mark.parametrize("scheme", ["stratum+ssl", "stratum+ssl-unverified"])
def test_shares_through_tls(
    scheme: str, certificate: Path, open_source: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    if scheme == "stratum+ssl":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pool_with(certificate) as pool:
        source = open_source(f"{scheme}://127.0.0.1:{pool.port}")
        work = next_work(source)
        found = list(itertools.islice(shares(work), 2))
        assert source.submit(found[0]).result(5).outcome is Outcome.ACCEPTED
        pool.clients[0].hang_up()
        pool.wait_for(lambda: pool.connections == 2)
        assert source.submit(found[1]).result(5).outcome is Outcome.ACCEPTED
        source.close()


def test_a_certificate_of_nobody_is_refused(
    certificate: Path, open_source: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "quorate")
    with pool_with(certificate) as pool:
        source = open_source(f"stratum+ssl://127.0.0.1:{pool.port}")
        pool.wait_for(lambda: "the next attempt is in" in caplog.text)
        assert source.work(None, 0) is None
        source.close()
        assert not pool.received
    assert "its certificate is not to be trusted (self-signed certificate)" in caplog.text
    assert "stratum+ssl-unverified://" in caplog.text


def test_a_certificate_of_another_host_is_refused(
    certificate: Path, open_source: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "quorate")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pool_with(certificate) as pool:
        source = open_source(f"stratum+ssl://localhost:{pool.port}")
        pool.wait_for(lambda: "the next attempt is in" in caplog.text)
        assert source.work(None, 0) is None
        source.close()
        assert not pool.received
    assert "its certificate is not to be trusted" in caplog.text


def test_a_pool_without_tls(open_source: Open, caplog: pytest.LogCaptureFixture) -> None:
    """The greeting is no JSON to it, and its silence or garbage no handshake to us."""

    def talk(client: Client, _: object) -> bool:
        client.raw(b"what do you want?\n")
        return True

    caplog.set_level("INFO", "quorate")
    with Pool() as pool:
        pool.reactions["connect"] = talk
        source = open_source(f"stratum+ssl://127.0.0.1:{pool.port}")
        pool.wait_for(lambda: "the next attempt is in" in caplog.text)
        assert source.work(None, 0) is None
        source.close()
