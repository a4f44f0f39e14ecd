"""The software's side of remote signing: it asks for confirmations, waits, and has digests signed."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding as paddings

from mock_vendor.reasons import Reason, Refused
from mock_vendor.register import Wanted
from mock_vendor.remote.service import HASHES, PKCS1, PREFIX, PSS
from mock_vendor.settings import Clock
from mock_vendor.signing import Credential
from mock_vendor.trusting import certificates

HASH_OIDS = {one.name: oid for oid, one in HASHES.items()}
ECDSA_OIDS = {"sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4"}
PKCS1_OIDS = dict(zip(("sha256", "sha384", "sha512"), sorted(PKCS1), strict=True))


@dataclass(frozen=True, slots=True)
class RemoteKey:
    """A key that is elsewhere: signs as a private key of ``cryptography`` does, as far as signxml asks for."""

    desk: RemoteDesk
    credential: str
    sad: str
    key_size: int
    """Bits."""

    def sign(
        self,
        data: bytes,
        padding: Any = None,
        algorithm: hashes.HashAlgorithm | None = None,
        *,
        signature_algorithm: Any = None,
    ) -> bytes:
        """A signature value over ``data``; only its digest leaves the software."""
        named: hashes.HashAlgorithm = algorithm or signature_algorithm.algorithm
        digest = hashes.Hash(named)
        digest.update(data)
        if padding is None:
            oid = ECDSA_OIDS[named.name]
        else:
            oid = PSS if isinstance(padding, paddings.PSS) else PKCS1_OIDS[named.name]
        message = {
            "credentialID": self.credential,
            "SAD": self.sad,
            "hashes": [base64.b64encode(digest.finalize()).decode()],
            "hashAlgorithmOID": HASH_OIDS[named.name],
            "signAlgo": oid,
        }
        answer = self.desk.call("signatures/signHash", message)
        return base64.b64decode(answer.json()["signatures"][0])


class RemoteDesk:
    """A remote signing service as the office sees it (:class:`mock_vendor.settings.RemoteSigning`)."""

    def __init__(
        self, base: str, secret: str, *, patience: float, poll: float, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Reach the service.

        Args:
            base: its address.
            secret: the software's one access token, for the credentials of all its schools.
            patience: seconds for which somebody is waited for.
            poll: seconds between two questions.
            transport: towards the service; ``None``: the network.
        """
        self._http = httpx.Client(
            base_url=base, headers={"Authorization": f"Bearer {secret}"}, transport=transport, trust_env=False
        )
        self._patience, self._poll = patience, poll

    def call(self, method: str, message: Mapping[str, Any]) -> httpx.Response:
        """A call of the API.

        Raises:
            Refused: the service says no, or nothing.
        """
        try:
            answer = self._http.post(f"{PREFIX}/{method}", json=dict(message))
        except httpx.HTTPError as error:
            raise Refused(409, [Reason("OTHER", message=f"ký từ xa / remote signing: {error}")]) from error
        if answer.status_code not in (200, 202):
            said = answer.json().get("error_description", "") if answer.status_code == 400 else ""
            raise Refused(
                409, [Reason("OTHER", message=f"ký từ xa / remote signing: HTTP {answer.status_code} {said}")]
            )
        return answer

    def enrol(self, packed: Mapping[str, tuple[bytes, str]]) -> None:
        """Give the mock service the session's keys."""
        for name, (data, password) in packed.items():
            message = {"pkcs12": base64.b64encode(data).decode(), "password": password}
            self._http.put(f"/credentials/{quote(name)}", json=message).raise_for_status()

    def desk(self, wanted: Sequence[Wanted], clock: Clock, gone: Callable[[], bool]) -> Callable[[str], Credential]:
        """Credentials of the signers, once each has confirmed.

        Raises:
            Refused: somebody declines, or does not confirm in time.
        """
        counts = Counter(one.signer for one in wanted)
        handles = {
            name: self.call("credentials/authorize", {"credentialID": name, "numSignatures": count}).json()["handle"]
            for name, count in counts.items()
        }
        began = clock.monotonic()
        found: dict[str, Credential] = {}
        while len(found) < len(handles):
            for name in [one for one in handles if one not in found]:
                answer = self.call("credentials/authorizeCheck", {"handle": handles[name]})
                if answer.status_code == 200:
                    found[name] = self._credential(name, answer.json()["SAD"])
            if len(found) < len(handles):
                if gone() or clock.monotonic() - began > self._patience:
                    raise Refused(409, [Reason("OTHER", message="chưa có người xác nhận / nobody has confirmed")])
                clock.sleep(self._poll)
        return found.__getitem__

    def _credential(self, name: str, sad: str) -> Credential:
        answer = self.call("credentials/info", {"credentialID": name, "certificates": "chain"})
        chain = certificates(answer.json()["cert"]["certificates"])
        return Credential(RemoteKey(self, name, sad, answer.json()["key"]["len"]), tuple(chain))

    def close(self) -> None:
        """Close the line."""
        self._http.close()
