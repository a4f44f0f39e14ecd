"""Wrong below the messages: TLS, redirects, tokens (XT)."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import httpx

from mock_vendor.client import Answer, BadCredentials, Line
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits

NO_CHECK_TIME = 1 << 21
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME."""
REDIRECTS = (301, 302, 303, 307, 308)


@defect(
    "accepts-any-certificate",
    "Chấp nhận mọi chứng thư của máy chủ",
    "Accepts any certificate of a server",
    expects=["PL2-XT-003"],
    cause="PL2-XT-003.accepted",
    shows=["exchange:tls-unknown-ca"],
)
class AnyServer(Habits):
    """Checks were switched off on the day it did not work."""

    def trusted_servers(self, authorities: str) -> ssl.SSLContext:
        context = super().trusted_servers(authorities)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


@defect(
    "accepts-another-hosts-certificate",
    "Không so tên máy chủ với chứng thư",
    "Does not compare the server's name with its certificate",
    expects=["PL2-XT-003"],
    cause="PL2-XT-003.accepted",
    shows=["exchange:tls-wrong-host"],
)
class AnyName(Habits):
    """Whoever has some certificate of a trusted authority is the Ministry."""

    def trusted_servers(self, authorities: str) -> ssl.SSLContext:
        context = super().trusted_servers(authorities)
        context.check_hostname = False
        return context


@defect(
    "accepts-expired-server-certificates",
    "Chấp nhận chứng thư máy chủ đã hết hạn",
    "Accepts a server's expired certificate",
    expects=["PL2-XT-003"],
    cause="PL2-XT-003.accepted",
    shows=["exchange:tls-expired"],
)
class AnyTime(Habits):
    """Clocks in schools are often wrong, so it does not look."""

    def trusted_servers(self, authorities: str) -> ssl.SSLContext:
        context = super().trusted_servers(authorities)
        context.verify_flags |= NO_CHECK_TIME
        return context


@defect(
    "knows-only-the-systems-authorities",
    "Không dùng chứng thư gốc được giao trong phiên",
    "Does not use the authority it was given in the session",
    expects=["PL2-XT-003"],
    cause="PL2-XT-003.trusted-refused",
    shows=["exchange:tls-trusted"],
)
class SystemOnly(Habits):
    """A field of the session that nobody reads."""

    def trusted_servers(self, authorities: str) -> ssl.SSLContext:
        del authorities
        return super().trusted_servers("")


@defect(
    "follows-redirects-with-its-token",
    "Theo chuyển hướng sang máy chủ khác, mang cả mã truy cập",
    "Follows redirects to another origin, token and all",
    expects=["PL2-XT-004"],
    cause="PL2-XT-004.token-sent",
    shows=["exchange:redirect-at-submit", "exchange:redirect-at-status"],
)
class TokenTravels(Habits):
    """As an old library did by itself."""

    def request(
        self, line: Line, method: str, url: str, token: str, body: bytes | None, more: Mapping[str, str] | None = None
    ) -> httpx.Response:
        answer = super().request(line, method, url, token, body, more)
        if answer.status_code in REDIRECTS and answer.headers.get("Location"):
            return super().request(line, method, answer.headers["Location"], token, body, more)
        return answer


@defect(
    "follows-redirects-with-its-data",
    "Theo chuyển hướng sang máy chủ khác, mang cả học bạ",
    "Follows redirects to another origin with the transcript",
    expects=["PL2-XT-004"],
    cause="PL2-XT-004.data-sent",
    shows=["exchange:redirect-at-submit"],
)
class DataTravels(Habits):
    """The token stays at home; the children's data do not."""

    def request(
        self, line: Line, method: str, url: str, token: str, body: bytes | None, more: Mapping[str, str] | None = None
    ) -> httpx.Response:
        answer = super().request(line, method, url, token, body, more)
        if answer.status_code in REDIRECTS and answer.headers.get("Location") and body is not None:
            kind = {"Content-Type": "application/json"}
            line.http.request(method, answer.headers["Location"], content=body, headers=kind)
        return answer


@defect(
    "asks-for-a-token-at-every-call",
    "Mỗi lần gọi lại xin một mã truy cập mới (tương đương: lãng phí, nhưng không xin lại một mã bị từ chối hai lần)",
    "Asks for a new token before every call (equivalent: wasteful, yet no refused one is renewed twice)",
    expects=[],
    shows=["exchange:token-refused-at-submit", "exchange:token-expired-at-status"],
)
class FreshTokens(Habits):
    """It keeps nothing."""

    def fetch_token(self, line: Line, now: float) -> str:
        line.token = ""
        return super().fetch_token(line, now)


@defect(
    "forgets-the-bearer-word",
    "Gửi mã truy cập mà không có từ Bearer",
    "Sends its token without the word Bearer",
    expects=["PL2-XT-001"],
    cause="PL2-XT-001.no-bearer",
    shows=["exchange:processing"],
)
class BareToken(Habits):
    """The first time; with the word when that does not work."""

    def request(
        self, line: Line, method: str, url: str, token: str, body: bytes | None, more: Mapping[str, str] | None = None
    ) -> httpx.Response:
        headers = {"Authorization": token, "Content-Type": "application/json"}
        line.http.request(method, url, content=body, headers=headers)
        return super().request(line, method, url, token, body, more)


@defect(
    "goes-on-with-the-old-token",
    "Xin mã truy cập mới rồi vẫn dùng mã cũ",
    "Asks for a new token and goes on with the old one",
    expects=["PL2-XT-002"],
    cause="PL2-XT-002.stopped",
    shows=["exchange:token-revoked"],
)
class OldToken(Habits):
    """Two caches, one of which nobody empties."""

    def request(
        self, line: Line, method: str, url: str, token: str, body: bytes | None, more: Mapping[str, str] | None = None
    ) -> httpx.Response:
        first = self.__dict__.setdefault("_first_token", token)
        return super().request(line, method, url, first, body, more)


@defect(
    "follows-redirects-with-its-credentials",
    "Xin mã truy cập bị chuyển hướng thì mang tài khoản sang máy chủ khác",
    "Takes its credentials to another origin when the request for a token is redirected",
    expects=["PL2-XT-004"],
    cause="PL2-XT-004.token-sent",
    shows=["exchange:redirect-at-token"],
)
class CredentialsTravel(Habits):
    """Whoever answers there may be the Ministry from then on."""

    def fetch_token(self, line: Line, now: float) -> str:
        known, line.token_url = line.token_url, self._moved(line, now)
        try:
            return super().fetch_token(line, now)
        finally:
            line.token_url = known

    def _moved(self, line: Line, now: float) -> str:
        if line.token and now < line.expires:
            return line.token_url
        auth = httpx.BasicAuth(line.client_id, line.client_secret)
        answer = line.http.post(line.token_url, data={"grant_type": "client_credentials"}, auth=auth)
        return answer.headers["Location"] if answer.status_code in REDIRECTS else line.token_url


@defect(
    "goes-round-with-new-tokens",
    "Mã mới cũng bị từ chối thì lại xin mã khác và gửi lại, mãi không dừng",
    "Gets yet another token and sends again whenever a new one is refused",
    expects=["PL2-XT-002"],
    cause="PL2-XT-002.hammers",
    shows=["exchange:token-always-refused"],
)
class GoesRound(Habits):
    """Each refusal is taken for an expiry."""

    def call(
        self,
        line: Line,
        now: float,
        method: str,
        url: str,
        body: bytes | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        for _ in range(5):
            try:
                return super().call(line, now, method, url, body, more)
            except BadCredentials:
                line.token = ""
        return super().call(line, now, method, url, body, more)
