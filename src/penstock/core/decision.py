"""What was decided of a run and its steps, and why: data that is recorded when it is decided, for `explain`.

A decision says its reason in a sentence for people. It never changes what happens next: that is the planner's part.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class DecisionKind(StrEnum):
    """What was decided."""

    WAIT = "wait"  # the step is ready, and waits for a free slot
    EXECUTE = "execute"  # the step's code runs
    REUSE = "reuse"  # an earlier execution stands for the step's own
    RETRY = "retry"  # the step failed and is tried again
    GIVE_UP = "give up"  # the step failed and is not tried again
    VETO = "veto"  # the step's pre-execute callback, or a person, said no
    SKIP = "skip"  # the step will not run
    ABORT = "abort"  # the step was stopped: before it ran, or its attempt `related` by a person
    JUDGE = "judge"  # a callback gave the step another status than the one it ended with
    ASK = "ask"  # the step's post-execute callback is called, and may judge the step until that is done
    CALL = "call"  # the step's post-execute callback was called
    TAKE_OVER = "take over"  # the run took over what it monitors of the step
    RERUN = "rerun"  # the run does anew what another one did, in part
    RESUME = "resume"  # the run goes on after it had ended or its process had died


class Decision(Struct, frozen=True, kw_only=True):
    """One decision.

    Args:
        reason: Why, in a sentence for people.
        step: The step that it is about; empty for the run as a whole.
        attempt: Which try of the step; 0 when it is about none.
        details: Further sentences, the most telling first.
        related: Id of another task that played a part, such as the one that was reused.
        at: Epoch seconds.
    """

    kind: DecisionKind
    reason: str
    step: str = ""
    attempt: int = 0
    details: tuple[str, ...] = ()
    related: str | None = None
    at: float = 0.0
