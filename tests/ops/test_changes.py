from __future__ import annotations

from penstock.core.run import Change, ChangeKind
from penstock.ops.changes import RunNews


def test_news_are_true_where_something_is_new():
    change = Change(seq=1, at=1.0, kind=ChangeKind.STATUS, task="t", status="completed")
    assert RunNews(changes=(change,))
    assert not RunNews()
