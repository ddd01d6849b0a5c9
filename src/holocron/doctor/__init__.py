"""The doctor: what stands between a project and its answers, found from the bottom up.

In: places, names and facts of the machine, as values. Out: diagnoses, each with its mend.
Never: changes anything, prints, waits without bound, or loads a model unasked.
"""

from __future__ import annotations

from holocron.doctor.diagnosis import Cause, Diagnosis, Health

__all__ = ["Cause", "Diagnosis", "Health"]
