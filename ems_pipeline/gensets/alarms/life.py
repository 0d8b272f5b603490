"""The life of an alarm by ISA-18.2. Acknowledging never ends what is there; its end and a person together do.

    normal -> unacknowledged -> acknowledged -> normal
              unacknowledged -> returned     -> normal        (it went before anybody said that he knows)
              acknowledged   -> latched      -> normal        (a shutdown: whoever reset it says so)

A person's half is done in the database (`sql/routines/R__fn_genset_alarm_acknowledge.sql`): a test holds it to `NEXT`.
"""

from __future__ import annotations

from enum import StrEnum

from ems_pipeline.errors import EmsError


class State(StrEnum):
    """Where an alarm stands, whatever hides it at the moment."""

    NORMAL = "normal"
    """It is over; nothing stands."""
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    """Its cause is gone, and nobody has said that he knows of it."""
    LATCHED = "latched"
    """Its cause is gone, and it was known; of a shutdown somebody has to say that the engine was looked at."""

    @property
    def is_active(self) -> bool:
        """Whether its cause is there."""
        return self in (State.UNACKNOWLEDGED, State.ACKNOWLEDGED)


class What(StrEnum):
    """What happens to an alarm; each is a row of the journal."""

    RAISED = "raised"
    RETURNED = "returned"
    """Its cause is gone."""
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    REMOVED = "removed"
    """Its controller was taken out of service."""
    RESTORED = "restored"
    """Its controller is in service again."""


class Refused(EmsError, ValueError):
    """Nothing of the kind can happen to an alarm that stands so."""


NEXT = {
    (State.NORMAL, What.RAISED): State.UNACKNOWLEDGED,
    (State.RETURNED, What.RAISED): State.UNACKNOWLEDGED,
    (State.LATCHED, What.RAISED): State.UNACKNOWLEDGED,
    (State.UNACKNOWLEDGED, What.RETURNED): State.RETURNED,
    (State.ACKNOWLEDGED, What.RETURNED): State.NORMAL,
    (State.UNACKNOWLEDGED, What.ACKNOWLEDGED): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, What.ACKNOWLEDGED): State.ACKNOWLEDGED,
    (State.RETURNED, What.ACKNOWLEDGED): State.NORMAL,
    (State.LATCHED, What.ACKNOWLEDGED): State.NORMAL,
}
"""Of an alarm that does not latch. Said again, an acknowledgement changes nothing: whoever was first stays noted."""
HIDES = frozenset({What.SHELVED, What.UNSHELVED, What.SUPPRESSED, What.UNSUPPRESSED, What.REMOVED, What.RESTORED})
"""What hides an alarm or shows it again; it goes on living meanwhile."""


def after(state: State, what: What, *, latches: bool) -> State:
    """The state after something happened.

    Args:
        latches: its end is a person's to confirm, also where it was acknowledged before.

    Raises:
        Refused: nothing stands that it could happen to, or it stands so already.
    """
    if what in HIDES and state is not State.NORMAL:
        return state
    if latches and (state, what) == (State.ACKNOWLEDGED, What.RETURNED):
        return State.LATCHED
    try:
        return NEXT[state, what]
    except KeyError:
        raise Refused(f"an alarm that is {state} cannot be {what}", "look at what stands now") from None
