"""A receiver of webhooks on this machine: real TLS with its own authority, answers by a script."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "hooks.example"
OTHER = "other.example"  # in no certificate


@dataclass(frozen=True)
class Got:
    """One request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What a receiver answers, and what it got.

    Parameters
    ----------
    script : list
        Answers in turn, then 200: a status, a status with a header, or seconds to be silent.
    """

    port: int = 0
    script: list[int | float | tuple[int, str, str]] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)
    asked_for: list[str | None] = field(default_factory=list)  # names in TLS

    @property
    def url(self) -> str:
        """Where it listens, by its name."""
        return f"https://{HOST}:{self.port}/hooks?token=geheim"


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.got.append(Got(self.path, headers, body))
        answer = self.receiver.script.pop(0) if self.receiver.script else 200
        if isinstance(answer, float):
            self._drip(answer)
            return
        status, *header = answer if isinstance(answer, tuple) else (answer,)
        self.send_response(int(status))
        if header:
            self.send_header(str(header[0]), str(header[1]))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_POST()  # what follows a redirect may come as this

    def _drip(self, seconds: float) -> None:
        """Answer with a byte now and then, so that no single wait is long."""
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                self.wfile.write(b"H")
                time.sleep(0.05)
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        pass  # of a client that hangs up


@contextmanager
def receiving(folder: Path, *, encrypted: bool = True) -> Iterator[Receiver]:
    """A receiver in a thread; ``ca.pem`` in the folder is its certificate authority."""
    receiver = Receiver()
    handler = type("Handler", (_Handler,), {"receiver": receiver})
    server = _Server(("127.0.0.1", 0), handler)
    if encrypted:
        make_certificates(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        context.sni_callback = lambda _socket, name, _context: receiver.asked_for.append(name)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def trusting(folder: Path) -> ssl.SSLContext:
    """What a client checks certificates with that trusts this authority alone."""
    return ssl.create_default_context(cafile=folder / "ca.pem")


def make_certificates(folder: Path) -> None:
    """An authority, and a certificate that it gave to `HOST` and to 127.0.0.1."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name, name = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("Test CA", HOST)
    )
    ca = (
        _builder(ca_name, ca_name, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    made = (
        _builder(name, ca_name, key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(secret + made.public_bytes(pem))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
