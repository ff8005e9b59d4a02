"""The certificate that `dongting cert` makes is one that a device trusts once it knows the authority."""

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
from cryptography import x509

from web.machine.certificate import SERVER_DAYS, BadName, NoCertificate, files, make, with_tls
from wms.settings import load_settings


def greet(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str:
    """A TLS handshake over a socket pair; returns the protocol."""
    ours, theirs = socket.socketpair()

    def answer() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except (ssl.SSLError, OSError):
            theirs.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with client.wrap_socket(ours, server_hostname=name) as secured:
            return secured.version() or ""
    finally:
        ours.close()
        thread.join()


def contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    made = files(folder)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.server, made.server_key)
    return server, ssl.create_default_context(cafile=str(made.authority))


@pytest.mark.parametrize("name", ["warehouse.local", "10.1.2.3", "127.0.0.1", "localhost", "城陵矶.example"])
def test_a_device_with_the_authority_trusts_the_machine(tmp_path: Path, name: str) -> None:
    make(tmp_path, ("warehouse.local", "10.1.2.3", "城陵矶.example"))
    assert greet(*contexts(tmp_path), name).startswith("TLSv1.")


def test_a_device_without_the_authority_does_not(tmp_path: Path) -> None:
    make(tmp_path, ())
    server, _ = contexts(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"unable to get local issuer|self-signed"):
        greet(server, ssl.create_default_context(), "localhost")


def test_another_name_is_not_trusted(tmp_path: Path) -> None:
    make(tmp_path, ())
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        greet(*contexts(tmp_path), "elsewhere.example")


def test_a_second_certificate_is_of_the_same_authority(tmp_path: Path) -> None:
    first = make(tmp_path, ()).authority.read_bytes()
    assert make(tmp_path, ("new-name",)).authority.read_bytes() == first
    assert greet(*contexts(tmp_path), "new-name")


def test_lives_no_longer_than_phones_accept(tmp_path: Path) -> None:
    server = x509.load_pem_x509_certificate(make(tmp_path, ()).server.read_bytes())
    assert (server.not_valid_after_utc - server.not_valid_before_utc).days <= SERVER_DAYS + 1


def test_keys_are_private(tmp_path: Path) -> None:
    made = make(tmp_path, ())
    for key in (made.authority_key, made.server_key):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "a b", "x" * 300, "rm -rf /", "*.example"])
def test_refuses_what_is_no_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadName):
        make(tmp_path, (name,))


def test_tls_without_a_certificate_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(NoCertificate, match="dongting cert"):
        with_tls(load_settings({"DONGTING_DATA": str(tmp_path)}))


def test_tls_takes_the_certificate_of_the_data_folder(tmp_path: Path) -> None:
    made = make(tmp_path, ())
    settings = with_tls(load_settings({"DONGTING_DATA": str(tmp_path)}))
    assert (settings.tls_certificate, settings.tls_key) == (made.server, made.server_key)
