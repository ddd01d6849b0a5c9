"""Concurrency: how many requests in flight a model is worth, found out by trying.

In: counts of tokens and the time. Out: a number of requests. Never: asks a model or a clock itself.
"""

from __future__ import annotations

#: tokens per second that the next step must bring, or the step is taken back
LEAST_GAIN = 1.1
#: how long one number is tried at least, and how many answers it must have seen: an engine fills slowly
TRIAL_S = 4.0
TRIAL_ANSWERS = 2


class Concurrency:
    """Doubles the requests in flight for as long as each doubling brings a tenth more tokens per second.

    upper: the most that are ever tried. It is settled for good at the first step that does not pay, or there.
    """

    def __init__(self, upper: int, *, trial_s: float = TRIAL_S, trial_answers: int = TRIAL_ANSWERS) -> None:
        """Begin with one."""
        self._upper = max(1, upper)
        self._trial_s, self._trial_answers = trial_s, trial_answers
        #: the requests to have in flight now
        self.slots = 1
        self.is_settled = self.slots == self._upper
        #: the last number that paid
        self._paid = self.slots
        self._best = 0.0
        self._began: float | None = None
        self._tokens = self._answers = 0

    def note(self, now: float, *, tokens: int = 0, answers: int = 0, is_full: bool = True) -> bool:
        """Count what came since the last note; change the slots after a trial, and tell if that settled.

        now: seconds of a clock that does not go back. is_full: whether all slots were in use since the last
        note; time in which there was too little to do measures nothing.
        """
        if self.is_settled:
            return False
        if not is_full or self._began is None:
            # begun anew: the tokens of a slack time would count against this number
            self._begin(now if is_full else None)
            return False
        self._tokens += tokens
        self._answers += answers
        elapsed = now - self._began
        if elapsed >= self._trial_s and self._answers >= self._trial_answers * self.slots:
            self._conclude(self._tokens / elapsed)
            # answers that were in flight before the step are no trial of it
            self._begin(None)
        return self.is_settled

    def _begin(self, now: float | None) -> None:
        self._began = now
        self._tokens = self._answers = 0

    def _conclude(self, rate: float) -> None:
        if rate < self._best * LEAST_GAIN:
            self.slots = self._paid
            self.is_settled = True
            return
        self._best, self._paid = rate, self.slots
        if self.slots == self._upper:
            self.is_settled = True
        else:
            self.slots = min(self._upper, self.slots * 2)
