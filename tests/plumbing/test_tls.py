"""TLS of `shopforum dev --tls`: the authority in the data folder, and the relay in front of the sites."""

import os
import socket
import ssl
import stat
import sys
import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import verification

from shopforum.core.sites import SITES
from shopforum.dev import certificates
from shopforum.dev.certificates import server_certificate
from shopforum.dev.processes import StartError
from shopforum.dev.tls_relay import relaying


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return server_certificate(tmp_path_factory.mktemp("authority") / "tls")


def read(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def is_trusted(authority, server, name):
    verifier = verification.PolicyBuilder().store(verification.Store([authority]))
    try:
        verifier.build_server_verifier(x509.DNSName(name)).verify(server, [])
    except verification.VerificationError:
        return False
    return True


def test_the_authority_vouches_for_the_names_of_this_machine(certificate):
    authority, server = read(certificate.authority), read(certificate.file)
    for name in ("localhost", *(f"{site}.localhost" for site in SITES)):
        assert is_trusted(authority, server, name)
    assert not is_trusted(authority, server, "other.localhost")


def test_a_stolen_authority_signs_for_no_other_name(certificate):
    folder = certificate.authority.parent
    stolen = certificates._Identity.load(folder / "authority.pem")
    begun = certificates._certificate(
        certificates._name("x"),
        stolen.key,
        stolen.certificate.subject,
        stolen.key,
        certificates._SERVER_LIFE,
    )
    begun = begun.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    for name, good in (("bank.example", False), ("any.localhost", True)):
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        made = begun.add_extension(names, critical=False).sign(stolen.key, hashes.SHA256())
        assert is_trusted(stolen.certificate, made, name) is good


def test_both_are_kept_and_only_their_owner_reads_them(certificate):
    folder = certificate.authority.parent
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert server_certificate(folder) == certificate
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_certificate_that_expires_soon_is_made_anew(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(certificates, "_SERVER_LIFE", timedelta(days=29))
        first = server_certificate(tmp_path)
    authority = read(first.authority)
    second = server_certificate(tmp_path)
    assert read(second.authority) == authority
    assert second.spki != first.spki
    assert read(second.file).not_valid_after_utc > datetime.now(UTC) + timedelta(days=60)
    with monkeypatch.context() as patch:
        patch.setattr(certificates, "_RENEW_BEFORE", timedelta(days=36500))
        third = server_certificate(tmp_path)
    # A server certificate of the earlier authority would be trusted by nobody.
    assert read(third.authority) != authority
    assert is_trusted(read(third.authority), read(third.file), "store.localhost")


def test_a_server_certificate_of_another_authority_is_replaced(certificate, tmp_path):
    server_certificate(tmp_path)
    (tmp_path / "server.pem").write_bytes(certificate.file.read_bytes())
    assert server_certificate(tmp_path).spki != certificate.spki


@pytest.mark.parametrize("damage", [b"", b"\xff\x00", b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_damaged_file_is_named(tmp_path, damage):
    server_certificate(tmp_path)
    (tmp_path / "server.pem").write_bytes(damage)
    with pytest.raises(StartError, match=r"server\.pem is damaged"):
        server_certificate(tmp_path)


def test_a_key_and_a_certificate_of_two_are_damage(certificate, tmp_path):
    server_certificate(tmp_path)
    key = (tmp_path / "server.pem").read_text().partition("-----BEGIN CERT")[0]
    (tmp_path / "server.pem").write_text(key + certificate.authority.read_text())
    with pytest.raises(StartError, match="is damaged"):
        server_certificate(tmp_path)


@contextmanager
def relay_to(certificate, answer):
    """A relay in front of a server that calls `answer(connection, address of its client)` in a thread for each connection;
    yields `connect(source=None)`, which returns a TLS connection."""
    context = ssl.create_default_context(cafile=certificate.authority)
    with (
        socket.create_server(("127.0.0.1", 0)) as behind,
        socket.create_server(("127.0.0.1", 0)) as front,
    ):

        def serve():
            while True:
                try:
                    connection, (client, _) = behind.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(connection, client), daemon=True).start()

        def connect(source=None):
            plain = socket.create_connection(front.getsockname(), 10, source and (source, 0))
            return context.wrap_socket(plain, server_hostname="store.localhost")

        threading.Thread(target=serve, daemon=True).start()
        with relaying(front, certificate.context(), behind.getsockname()):
            yield connect
        behind.shutdown(socket.SHUT_RDWR)


def echo(connection, _client):
    with closing(connection):
        while data := connection.recv(65536):
            connection.sendall(data)


def test_several_connections_at_once_pass_large_bodies_both_ways(certificate):
    with relay_to(certificate, echo) as connect:
        ends = [connect() for _ in range(5)]
        bodies = [os.urandom(3_000_000) for _ in ends]
        for end, body in zip(ends, bodies, strict=True):
            threading.Thread(target=end.sendall, args=(body,), daemon=True).start()
        for end, body in zip(ends, bodies, strict=True):
            assert end.makefile("rb").read(len(body)) == body
        # Kept open: a second request on the same connection.
        ends[0].sendall(b"again")
        assert ends[0].recv(5) == b"again"
        for end in ends:
            end.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one loopback address")
def test_the_sites_see_the_address_of_the_client(certificate):
    def tell(connection, client):
        with closing(connection):
            connection.sendall(client.encode())

    with relay_to(certificate, tell) as connect:
        for address in ("127.0.0.1", "127.0.0.66"):
            with connect(address) as end:
                assert end.makefile("rb").read() == address.encode()


def test_the_last_response_arrives_though_the_relay_ends(certificate):
    """As at SIGTERM: the site closes its connection after the response, and the relay ends at once."""
    body, sent = os.urandom(1_000_000), threading.Event()
    received = []

    def respond(connection, _client):
        with closing(connection):
            connection.sendall(body)
        sent.set()

    def read(end):
        with end, end.makefile("rb") as stream:
            received.append(stream.read())

    with relay_to(certificate, respond) as connect:
        thread = threading.Thread(target=read, args=(connect(),))
        thread.start()
        assert sent.wait(10)
    thread.join(10)
    assert received == [body]


def test_a_connection_that_never_ends_does_not_keep_the_relay(certificate, monkeypatch):
    monkeypatch.setattr("shopforum.dev.tls_relay._FLUSH_SECONDS", 0.01)
    with relay_to(certificate, echo) as connect:
        end = connect()
        end.sendall(b"x")
        assert end.recv(1) == b"x"
    assert end.recv(1) == b""
    end.close()


def test_a_client_without_tls_is_refused_and_disturbs_nobody(certificate):
    with relay_to(certificate, echo) as connect, connect() as good:
        with socket.create_connection(good.getpeername(), 10) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: store.localhost\r\n\r\n")
            assert b"HTTP" not in plain.makefile("rb").read()
        good.sendall(b"x")
        assert good.recv(1) == b"x"


def test_a_connection_ends_where_the_sites_are_away(certificate):
    with socket.create_server(("127.0.0.1", 0)) as front:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            address = gone.getsockname()
        with relaying(front, certificate.context(), address):
            context = ssl.create_default_context(cafile=certificate.authority)
            plain = socket.create_connection(front.getsockname(), 10)
            with context.wrap_socket(plain, server_hostname="localhost") as end:
                assert end.recv(1) == b""
