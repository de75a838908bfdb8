from __future__ import annotations

import pytest

from penstock.core.errors import RemoteError
from penstock.run.remote.transport import Facts, Passing, persist


def failing(times: int):
    calls: list[int] = []

    def action() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise Passing(f"failure {len(calls)}")
        return "done"

    return action, calls


def test_what_fails_in_passing_is_tried_again() -> None:
    action, calls = failing(2)
    assert persist(action, "it", tries=3, pause=0) == "done"
    assert len(calls) == 3


def test_after_the_last_try_the_error_says_what_and_how_often() -> None:
    action, calls = failing(9)
    with pytest.raises(RemoteError, match=r"it cannot be read: failure 3 \(tried 3 times\)"):
        persist(action, "it cannot be read", tries=3, pause=0)
    assert len(calls) == 3


def test_other_errors_are_not_tried_again() -> None:
    calls: list[int] = []

    def action() -> None:
        calls.append(1)
        raise KeyError

    with pytest.raises(KeyError):
        persist(action, "it", tries=3, pause=0)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Facts(1, "e"), Facts(1, "e"), True),
        (Facts(1, "e"), Facts(1, "f"), False),
        (Facts(1, "e"), Facts(2, "e"), False),
        (Facts(1, "", "m"), Facts(1, "", "m"), True),
        (Facts(1, "", "m"), Facts(1, "", "n"), False),
        (Facts(None, "e"), Facts(1, "e"), True),
        (Facts(1), Facts(1), False),  # a size alone says nothing
    ],
)
def test_content_is_the_same_only_where_the_far_side_says_so(one: Facts, other: Facts, same: bool) -> None:
    assert one.is_same(other) is same
