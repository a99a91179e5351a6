"""Who may use the console: on loopback everybody, else a token or a proxy that names the user.

A session is a signed cookie, so that no process holds state: it ends after 12 h, with a new token,
and with the removal of its user from the token file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import HTTPConnection

from wikiembed.config import Settings
from wikiembed.errors import ConfigurationError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SESSION_COOKIE = "wikiembed_session"
CSRF_COOKIE = "wikiembed_csrf"
SESSION_S = 12 * 3600
SHORTEST_TOKEN = 16
LONGEST_NAME = 100
ALONE = "console"
"""The user of a token without a name, and of an open console."""
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


class Denied(Exception):
    """No page for this request; `may_log_in`: a token would help."""

    def __init__(self, sentence: str, *, status: int = 403, may_log_in: bool = False) -> None:
        super().__init__(sentence)
        self.status = status
        self.may_log_in = may_log_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The rules by which a request has a user.

    `tokens`: by name of the user. `proxies` may name the user in `user_header`. With neither, the
    console is open, and then to loopback alone. `read_only`: it offers no action.
    """

    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxies: Sequence[Network] = ()
    user_header: str | None = None
    read_only: bool = False
    clock: Callable[[], float] = time.time
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Access:
        """The rules that settings ask for.

        Raises: ConfigurationError.
        """
        proxies = networks(settings.web_trusted_proxy)
        if bool(proxies) != bool(settings.web_user_header):
            raise ConfigurationError(
                "A trusted proxy and its header belong together: set both"
                " WIKIEMBED_WEB_TRUSTED_PROXY and WIKIEMBED_WEB_USER_HEADER (--trusted-proxy,"
                " --user-header)."
            )
        tokens = {} if settings.web_token_file is None else read_tokens(settings.web_token_file)
        given: dict[str, bytes] = {}
        if tokens:  # the same in each process that has the file
            given["secret"] = _digest("console", *sorted(tokens.values()))
        return cls(
            tokens=tokens,
            proxies=proxies,
            user_header=settings.web_user_header,
            read_only=settings.web_read_only,
            **given,  # type: ignore[arg-type]
        )

    @property
    def is_open(self) -> bool:
        """Whether it needs no login."""
        return not self.tokens and not self.proxies

    def user_of(self, request: HTTPConnection) -> str:
        """The user's name for the action log.

        Raises: Denied.
        """
        peer = request.client.host if request.client is not None else ""
        if self.user_header is not None and self.is_proxy(peer):
            name = self._named_by_proxy(request)
            if name is not None:
                return name
        if self.tokens:
            name = self.user_of_session(request.cookies.get(SESSION_COOKIE, ""))
            if name is not None:
                return name
            raise Denied("Log in first.", status=401, may_log_in=True)
        if self.proxies:
            raise Denied("This address may not use the console: only the trusted proxy may.")
        if not is_loopback(peer):
            raise Denied("The console is open to this machine alone: set a token file.")
        if any(name in request.headers for name in FORWARDED):
            raise Denied(
                "A proxy forwards this request: start the console with a token file, or with"
                " --trusted-proxy and --user-header."
            )
        # Else a page of another site could reach it by a name that leads to this machine.
        if not is_loopback(host_of(request.headers.get("host", ""))):
            raise Denied("The console is open under localhost and 127.0.0.1 alone.", status=421)
        return ALONE

    def is_proxy(self, peer: str) -> bool:
        """Whether `peer` is the address of a trusted proxy."""
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(mapped in network for network in self.proxies)

    def _named_by_proxy(self, request: HTTPConnection) -> str | None:
        given = request.headers.getlist(self.user_header or "")
        if not given:
            if self.tokens:
                return None
            raise Denied("The proxy names no user.", status=401)
        if len(given) > 1 or not given[0].strip() or len(given[0]) > LONGEST_NAME:
            raise Denied("The proxy names no valid user.", status=401)
        if not given[0].isprintable():
            raise Denied("The proxy names no valid user.", status=401)
        return given[0].strip()

    def log_in(self, token: str) -> str | None:
        """The name of the user whose token it is; every token is compared, in constant time."""
        digest = _digest("token", token)
        found = None
        for name, known in self.tokens.items():
            if hmac.compare_digest(digest, _digest("token", known)):
                found = name
        return found

    def session(self, name: str) -> str:
        """The value of a session cookie for `name`."""
        ends_at = int(self.clock()) + SESSION_S
        body = f"{_encoded(name.encode())}.{ends_at}.{secrets.token_urlsafe(9)}"
        return f"{body}.{self._signed(name, body)}"

    def user_of_session(self, cookie: str) -> str | None:
        """The name in a session cookie that this console signed and that has not ended."""
        body, _, signature = cookie.rpartition(".")
        parts = body.split(".")
        if len(parts) != 3 or not cookie.isascii():
            return None
        try:
            name = base64.urlsafe_b64decode(parts[0] + "==").decode()
            ends_at = int(parts[1])
        except ValueError:
            return None
        if name not in self.tokens or self.clock() > ends_at:
            return None
        signed = self._signed(name, body)
        return name if hmac.compare_digest(signature, signed) else None

    def _signed(self, name: str, body: str) -> str:
        # By the user's own token as well: with another token their sessions end.
        key = _digest("session", self.secret.hex(), self.tokens[name])
        return _encoded(hmac.digest(key, body.encode(), "sha256"))

    def csrf_token(self, nonce: str, user: str) -> str:
        """What a form of `user` must send, for the `nonce` of their cookie."""
        message = f"csrf\0{nonce}\0{user}"
        return _encoded(hmac.digest(self.secret, message.encode(), "sha256"))

    def is_csrf_token(self, given: str, nonce: str, user: str) -> bool:
        """Whether a form is one that this console made for `user`."""
        return bool(nonce) and hmac.compare_digest(
            given.encode(), self.csrf_token(nonce, user).encode()
        )


def networks(text: str | None) -> tuple[Network, ...]:
    """Addresses and networks, separated by commas.

    Raises: ConfigurationError.
    """
    found: list[Network] = []
    for part in (text or "").split(","):
        if not part.strip():
            continue
        try:
            found.append(ipaddress.ip_network(part.strip()))
        except ValueError:
            raise ConfigurationError(
                f"{part.strip()!r} is not an address or a network of a trusted proxy: write"
                " 10.0.0.7 or 10.0.0.0/24."
            ) from None
    return tuple(found)


def read_tokens(path: Path) -> dict[str, str]:
    """The tokens of a file by name: a line ``NAME:TOKEN`` per user, or a token alone.

    Raises: ConfigurationError.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"The token file cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        lines = []
    tokens: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, token = line.strip().rpartition(":")
        name = name.strip() if colon else ALONE
        if len(token.strip()) < SHORTEST_TOKEN:
            raise ConfigurationError(
                f"Line {number} of the token file has a token shorter than {SHORTEST_TOKEN}"
                " characters: make one with `openssl rand -hex 24`."
            )
        if not name or len(name) > LONGEST_NAME or not name.isprintable() or name in tokens:
            raise ConfigurationError(
                f"Line {number} of the token file names no user, or one a second time: write"
                " NAME:TOKEN."
            )
        tokens[name] = token.strip()
    if not tokens:
        raise ConfigurationError(
            "The token file holds no token: write one there with `openssl rand -hex 24`."
        )
    return tokens


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def host_of(header: str) -> str:
    """The host of a Host header, without the port and the brackets of IPv6."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.rpartition(":")[0] if ":" in header else header


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(("wikiembed", *parts)).encode("utf-8", "replace")).digest()


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
