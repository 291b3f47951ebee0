from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.connections.pem import is_pem, pem_text
from airflow_provider_cloudfn.connections.transport import TransportSettings
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def certificate() -> trustme.LeafCert:
    return trustme.CA().issue_cert("client.example.com")


def encrypted(key: bytes, passphrase: bytes) -> str:
    loaded = load_pem_private_key(key, None)
    pem = loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))
    return pem.decode()


def test_the_system_s_settings_need_no_context() -> None:
    assert TransportSettings().ssl_context() is None


def test_own_certificate_authorities_replace_the_system_s(tmp_path: Path) -> None:
    authority = trustme.CA()
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))

    for ca_bundle in (str(file), authority.cert_pem.bytes().decode()):
        context = TransportSettings(ca_bundle=ca_bundle).ssl_context()

        assert context is not None
        assert len(context.get_ca_certs()) == 1
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname


def test_a_client_certificate_comes_from_files_or_from_text(tmp_path: Path, certificate: trustme.LeafCert) -> None:
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    key = certificate.private_key_pem.bytes()
    (tmp_path / "cert.pem").write_bytes(chain)
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "both.pem").write_bytes(key + chain)

    for settings in (
        TransportSettings(client_cert=str(tmp_path / "both.pem")),
        TransportSettings(client_cert=str(tmp_path / "cert.pem"), client_key_file=str(tmp_path / "key.pem")),
        TransportSettings(client_cert=str(tmp_path / "cert.pem"), client_private_key=key.decode()),
        TransportSettings(client_cert=chain.decode(), client_private_key=key.decode().replace("\n", " ")),
        TransportSettings(
            client_cert=chain.decode().replace("\n", "\\n"),
            client_private_key=encrypted(key, b"sesame"),
            client_private_key_passphrase="sesame",
        ),
    ):
        assert settings.ssl_context() is not None


def test_no_file_is_left_behind(tmp_path: Path, certificate: trustme.LeafCert, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    chain = certificate.cert_chain_pems[0].bytes().decode()

    TransportSettings(client_cert=chain, client_private_key=certificate.private_key_pem.bytes().decode()).ssl_context()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (TransportSettings(ca_bundle="/nowhere/ca.pem"), "ca_bundle: can't be read"),
        (TransportSettings(client_cert="/nowhere/cert.pem"), "client_cert: can't be read"),
        (
            TransportSettings(client_cert="/nowhere", client_key_file="/nowhere"),
            "client_cert and client_key_file: can't",
        ),
        (
            TransportSettings(ca_bundle="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
            "ca_bundle: can't be read",
        ),
    ],
)
def test_what_can_not_be_read_is_named(settings: TransportSettings, field: str) -> None:
    with pytest.raises(ConfigurationError, match=field):
        settings.ssl_context()


def test_an_encrypted_key_without_its_passphrase_is_refused_without_asking(certificate: trustme.LeafCert) -> None:
    settings = TransportSettings(
        client_cert=certificate.cert_chain_pems[0].bytes().decode(),
        client_private_key=encrypted(certificate.private_key_pem.bytes(), b"sesame"),
    )

    with pytest.raises(ConfigurationError, match="set client_private_key_passphrase"):
        settings.ssl_context()


@given(st.binary(min_size=1, max_size=200), st.sampled_from(["\n", " ", "\r\n", "\\n", "\n\n"]))
def test_pem_text_survives_what_a_form_field_does_to_its_line_ends(content: bytes, separator: str) -> None:
    canonical = ssl.DER_cert_to_PEM_cert(content)

    written = canonical.replace("\n", separator)

    assert is_pem(written)
    assert pem_text(written) == canonical
    assert pem_text(written + written) == canonical * 2
