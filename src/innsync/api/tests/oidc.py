"""A small OpenID Connect issuer over real HTTP: discovery, keys that can be changed, tokens of its users."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE = "the-booking-engine"
_MAKE = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": Ed25519PrivateKey.generate,
}
_AS_JWK = {"RS256": RSAAlgorithm.to_jwk, "ES256": ECAlgorithm.to_jwk, "EdDSA": OKPAlgorithm.to_jwk}


class OidcIssuer:
    """asked: paths, in order. says: what its discovery document says otherwise. down: it answers 503."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[str] = []
        self.says: dict[str, Any] = {}
        self.down = False
        self.published: list[dict[str, Any]] = []
        self._private: dict[str, tuple[str, Any]] = {}

    def new_key(self, algorithm: str = "RS256", *, published: bool = True) -> str:
        """Its id."""
        kid, private = uuid4().hex, _MAKE[algorithm]()
        self._private[kid] = (algorithm, private)
        if published:
            self.published.append({**_AS_JWK[algorithm](private.public_key(), as_dict=True), "kid": kid, "use": "sig"})
        return kid

    def token(self, *, kid: str = "", key: Any = None, algorithm: str = "", without: str = "", **claims: Any) -> str:
        """An ID token for ten minutes. key, algorithm: signed otherwise than the key of that id would."""
        kid = kid or next(iter(self._private))
        own_algorithm, private = self._private[kid]
        now = datetime.now(UTC)
        said = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "user-1",
            "iat": now,
            "exp": now + timedelta(minutes=10),
            "name": "Sarah Johnson",
            "email": "sarah@example.com",
            "email_verified": True,
            "locale": "en",
        } | claims
        said.pop(without, None)
        return jwt.encode(
            said, private if key is None else key, algorithm=algorithm or own_algorithm, headers={"kid": kid}
        )

    def document(self, path: str) -> Any:
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"} | self.says
        return {"keys": self.published} if path == "/keys" else None


@contextmanager
def oidc_issuer() -> Iterator[OidcIssuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            found = None if issuer.down else issuer.document(self.path)
            body = json.dumps(found).encode()
            self.send_response(503 if issuer.down else 404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = OidcIssuer(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield issuer
        finally:
            server.shutdown()
