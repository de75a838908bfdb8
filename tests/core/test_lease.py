from __future__ import annotations

import pytest

from penstock.core.lease import MOST_LOST, RENEWED, SECONDS, Fate, fate


@pytest.mark.parametrize("lost", range(MOST_LOST + 2))
@pytest.mark.parametrize("is_run", [True, False])
def test_what_had_not_begun_waits_again_until_that_happened_too_often(is_run, lost):
    expected = Fate.WAITS_AGAIN if lost < MOST_LOST else Fate.GIVEN_UP
    assert fate(begun=False, is_run=is_run, lost=lost) is expected


def test_what_had_begun_is_lost_unless_it_is_a_run_which_goes_on():
    assert fate(begun=True, is_run=False, lost=0) is Fate.LOST
    assert fate(begun=True, is_run=True, lost=0) is Fate.WAITS_AGAIN


def test_a_lease_bears_that_some_renewals_get_lost():
    assert SECONDS >= 3 * RENEWED
