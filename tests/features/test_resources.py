"""Waiting for other processes ends, with a reason."""

import pytest

from gds.errors import UserError
from gds.features.resources import Processes


def test_waiting_ends_with_a_time_out_that_names_what_was_missing():
    with pytest.raises(UserError, match=r"process 1 of 3 waited 0\.00333 minutes for the plan"):
        Processes(1, 3, timeout=0.2).wait_for(lambda: False, "the plan")
    Processes(1, 3, timeout=0.0).wait_for(lambda: True, "nothing")


def test_the_environment_says_which_process_this_is(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert Processes.from_environment() is None
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(UserError, match="RANK but not the other"):
        Processes.from_environment()
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(UserError, match="expected numbers in RANK and WORLD_SIZE"):
        Processes.from_environment()
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert Processes.from_environment() == Processes(1, 2)
