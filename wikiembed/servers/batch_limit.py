"""The most texts per request: stated by the server, else learned from its refusals."""

from __future__ import annotations

GROW_AFTER = 16
"""Requests at a guessed limit that must pass before twice as many texts are tried."""


class BatchLimit:
    """The stated and the learned limit; the learned one is raised again, less often each time.

    A size that has passed before was not refused for its number of texts (one text of many
    megabytes, a rate limit), so nothing is learned from that refusal.
    """

    def __init__(self) -> None:
        self._stated: int | None = None
        self._guess: int | None = None
        self._most_passed = 0
        self._passed_at_guess = 0
        self._grow_after = GROW_AFTER

    @property
    def value(self) -> int | None:
        """The most texts to send in one request; None: no limit is known."""
        known = [n for n in (self._stated, self._guess) if n is not None]
        return min(known, default=None)

    def has_passed(self, n: int) -> bool:
        """Whether a request of `n` texts or more has passed."""
        return n <= self._most_passed

    def state(self, n: int) -> None:
        """Record that the server states a limit of `n` texts."""
        self._stated = n if self._stated is None else min(n, self._stated)

    def refused(self, n: int) -> bool:
        """Record that `n` texts were refused as too many, with no limit stated: True if learned."""
        if self.has_passed(n):
            return False
        if self._guess is not None:
            self._grow_after *= 2
        self._guess = max(1, n // 2) if self._guess is None else min(self._guess, max(1, n // 2))
        self._passed_at_guess = 0
        return True

    def passed(self, n: int) -> None:
        """Record that a request of `n` texts passed."""
        self._most_passed = max(self._most_passed, n)
        if self._guess is None or n < self._guess:
            return
        self._passed_at_guess += 1
        if self._passed_at_guess >= self._grow_after:
            self._passed_at_guess = 0
            self._guess *= 2
