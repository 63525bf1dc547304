from mountcloud.policy.set_back import Clocks


def test_it_is_told_once_that_the_clock_was_set_back() -> None:
    clocks = Clocks().after(1000.0, 10.0)
    assert not clocks.set_back, "nothing was known before"
    clocks = clocks.after(1059.0, 70.0)
    assert not clocks.set_back, "a correction"
    clocks = clocks.after(1050.0, 80.0)
    assert clocks.set_back
    assert not clocks.after(1060.0, 90.0).set_back
    assert not clocks.after(9000.0, 91.0).set_back, "it went forward"
