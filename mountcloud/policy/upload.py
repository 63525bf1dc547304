"""The life of one owed operation, as a table. An operation that is done or discarded leaves the journal."""

from enum import Enum, auto

from mountcloud.model.operation import OperationState as State


class Event(Enum):
    """What can happen to an owed operation that stays in the journal."""

    STARTED = auto()
    TRANSIENT = auto()
    PERMANENT = auto()
    SUPERSEDED = auto()
    RETRIED = auto()
    RECOVERED = auto()


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.QUEUED, Event.STARTED): State.SENDING,
    (State.WAITING, Event.STARTED): State.SENDING,
    (State.SENDING, Event.TRANSIENT): State.WAITING,
    (State.SENDING, Event.PERMANENT): State.PARKED,
    (State.QUEUED, Event.SUPERSEDED): State.QUEUED,
    (State.WAITING, Event.SUPERSEDED): State.WAITING,
    (State.PARKED, Event.SUPERSEDED): State.QUEUED,
    (State.SENDING, Event.SUPERSEDED): State.SENDING,
    (State.PARKED, Event.RETRIED): State.QUEUED,
    (State.WAITING, Event.RETRIED): State.WAITING,
    # A crash while sending: the outcome is unknown, so it counts as an attempt and is looked for before it is repeated.
    (State.SENDING, Event.RECOVERED): State.WAITING,
    (State.QUEUED, Event.RECOVERED): State.QUEUED,
    (State.WAITING, Event.RECOVERED): State.WAITING,
    (State.PARKED, Event.RECOVERED): State.PARKED,
}


def after(state: State, event: Event) -> State:
    """The next state; ``ValueError`` for a move that the table does not have."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ValueError(f"an operation that is {state.value} cannot be {event.name.lower()}") from None
