"""Receiving: transcripts by authorisation code, verified and in force before anything is taken over (dispatch 1đ)."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from mock_vendor.reasons import Reason, Refused
from mock_vendor.sending import Sending
from mock_vendor.trusting import Trust


class Receiving(Sending):
    """The part of the office that takes over other schools' transcripts."""

    def import_(self, request: Any) -> dict[str, Any]:
        """Retrieve, verify, and take over; nothing at all when one transcript is not good.

        Raises:
            Refused: with the reason.
        """
        self._check("Import", request)
        with self._lock:
            line, now = self._connected(), self._now()
            trust = Trust.of(self._session)
        code = request["authorisation"]
        taken = []
        for received in self.habits.retrieved(line, code, request.get("purpose"), request.get("school")):
            reasons, content = self.habits.verified(received.content, trust, now)
            if reasons or content is None:
                raise Refused(409, self.habits.told(reasons))
            try:
                found = self.habits.imported(content)
            except ValueError as error:
                raise Refused(409, [Reason("INVALID_DOCUMENT", message=str(error)[:200])]) from error
            standing = self.habits.standing(line, found["recordId"], code)
            reasons = self.habits.force_reasons(received, standing)
            if reasons:
                raise Refused(409, self.habits.told(reasons))
            digest = hashlib.sha256(received.content).hexdigest()
            taken.append({"id": uuid.uuid4().hex, **found, "digest": digest})
        with self._lock:
            self._store.put("import", *((one["id"], one) for one in taken))
        return {"transcripts": taken}
