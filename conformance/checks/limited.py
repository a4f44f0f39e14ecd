"""Keeps a report readable: of each cause only the first places are kept, however many a file has."""

from __future__ import annotations

from collections import Counter

from conformance.document import MOST, Document
from conformance.finding import Recorder


class Limited:
    """Records violations in one document, at most :data:`MOST` of each cause; counts all of them."""

    def __init__(self, document: Document, found: Recorder) -> None:
        self._document = document
        self._found = found
        self._counts: Counter[str] = Counter()
        self._violated: set[str] = set()

    def violated(
        self,
        requirement: str,
        cause: str,
        node: object,
        *,
        expected: object = "",
        seen: object = "",
        consequence_of: str = "",
        **params: str,
    ) -> None:
        """A violation at ``node`` (element, value or part of the model). ``params`` as for the recorder."""
        code = f"{requirement}.{cause}"
        self._violated.add(requirement)
        self._counts[code] += 1
        if self._counts[code] <= MOST:
            self._found.violated(
                requirement,
                cause,
                place=self._document.place(node),
                expected=expected,
                seen=seen,
                derivation=(),
                consequence_of=consequence_of,
                **params,
            )

    def is_full(self, requirement: str, cause: str) -> bool:
        """Whether as many places of the cause are recorded as are kept."""
        return self._counts[f"{requirement}.{cause}"] >= MOST

    def any(self, requirement: str) -> bool:
        """Whether the requirement was violated here."""
        return requirement in self._violated

    def hold_unless_violated(self, requirement: str, case_class: str = "checked") -> None:
        """Count ``requirement`` as held when nothing was recorded against it here."""
        if not self.any(requirement):
            self._found.held(requirement, case_class)
