from itertools import product

import pytest

from mountcloud.model.operation import OperationState as State
from mountcloud.policy.upload import TRANSITIONS, Event, after

IMPOSSIBLE = {
    (State.SENDING, Event.STARTED),
    (State.PARKED, Event.STARTED),
    (State.SENDING, Event.RETRIED),
    (State.QUEUED, Event.RETRIED),
    *product((State.QUEUED, State.WAITING, State.PARKED), (Event.TRANSIENT, Event.PERMANENT)),
}


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_state_and_event_is_decided(state: State, event: Event) -> None:
    if (state, event) in IMPOSSIBLE:
        with pytest.raises(ValueError, match=state.value):
            after(state, event)
    else:
        assert after(state, event) is TRANSITIONS[state, event]


@pytest.mark.parametrize("state", State)
def test_every_state_can_come_to_an_end(state: State) -> None:
    """Sending is where an operation is done; it is reached from everywhere, and only by a start."""
    reached, steps = {state}, 0
    while State.SENDING not in reached and steps < 5:
        reached |= {TRANSITIONS[key] for key in TRANSITIONS if key[0] in reached}
        steps += 1
    assert State.SENDING in reached
    assert {key for key, to in TRANSITIONS.items() if to is State.SENDING and key[0] is not State.SENDING} == {
        (State.QUEUED, Event.STARTED),
        (State.WAITING, Event.STARTED),
    }


def test_nothing_is_sending_after_a_restart_and_parked_stays() -> None:
    assert State.SENDING not in {after(state, Event.RECOVERED) for state in State}
    assert after(State.PARKED, Event.RECOVERED) is State.PARKED
