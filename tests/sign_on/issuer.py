"""A small issuer of OpenID Connect on loopback, with real keys: discovery, keys, authorization and token endpoints."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

AUDIENCE, CLIENT, SECRET = "sihu-api", "sihu-pages", "the-client-secret"


class TestIssuer:
    """What it signs, and what it was asked for. Tests change it as they like."""

    __test__ = False

    def __init__(self, origin: str) -> None:
        self.url = f"{origin}/issuer"
        self.keys: list[RSAKey | ECKey] = [RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"}, private=True)]
        self.person: dict[str, Any] = {"sub": "zhang.san", "role": "unit", "unit": "440105003001"}
        self.requests: Counter[str] = Counter()
        self.codes: dict[str, dict[str, str]] = {}
        self.secret: str | None = SECRET
        self.broken: bytes | None = None
        self.calls_itself: str | None = None
        self.moved_to: str | None = None
        self.id_claims: dict[str, Any] = {}
        self.claims_supported: list[str] | None = None
        self.delay_s = 0.0

    def token(self, key: Any = None, algorithm: str = "RS256", header: Any = None, **claims: Any) -> str:
        """An access token for the person, with these claims besides (None leaves one out) and this header."""
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "iat": now, "exp": now + 300, **self.person}
        sent = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        key = key or self.keys[0]
        usual_header = {"alg": algorithm} | ({"kid": key.kid} if key.kid else {})
        return jwt.encode({**usual_header, **(header or {})}, sent, key, algorithms=[algorithm])

    def answer(self, method: str, target: str, body: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
        path, query = urlsplit(target).path.removeprefix("/issuer"), dict(parse_qsl(urlsplit(target).query))
        self.requests[path] += 1
        time.sleep(self.delay_s)
        if self.broken is not None:
            return 200, {}, self.broken
        if self.moved_to is not None:
            return 302, {"Location": f"{self.moved_to}{path}"}, b""
        if path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            addresses = {name: f"{self.url}/{place}" for name, place in names.items()}
            name = self.calls_itself or self.url
            return _json({"issuer": name, "claims_supported": self.claims_supported, **addresses})
        if path == "/keys":
            return _json({"keys": [key.as_dict(private=False) for key in self.keys]})
        if path == "/authorize":
            code = secrets.token_urlsafe(12)
            self.codes[code] = query
            back = urlencode({"code": code, "state": query["state"]})
            return 302, {"Location": f"{query['redirect_uri']}?{back}"}, b""
        if path == "/token" and method == "POST":
            return self._token({name: values[0] for name, values in parse_qs(body).items()}, authorization)
        return 404, {}, b""

    def _token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, str], bytes]:
        begun = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        wanted = "Basic " + base64.b64encode(f"{CLIENT}:{self.secret}".encode()).decode() if self.secret else ""
        is_right = begun is not None and begun["code_challenge"] == challenge and authorization == wanted
        if not is_right or begun is None or form["redirect_uri"] != begun["redirect_uri"]:
            return _json({"error": "invalid_grant"}, 400)
        claims = {"aud": CLIENT, "nonce": begun["nonce"], **self.id_claims}
        return _json({"id_token": self.token(**claims), "access_token": self.token(), "token_type": "Bearer"})


def _json(content: Any, status: int = 200) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(content).encode()


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[TestIssuer]:
    """An issuer that answers on a port of its own, over TLS if it is given a certificate."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._do("")

        def do_POST(self) -> None:
            self._do(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _do(self, body: str) -> None:
            given = issuer.answer(self.command, self.path, body, self.headers.get("Authorization", ""))
            status, headers, content = given
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    issuer = TestIssuer(f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
