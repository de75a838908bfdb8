"""Which tests one worker runs one after another: those of a file whose tests share what takes long to make.

Marks of pytest-xdist's own (`xdist_group`) are lost with pytest 9.2, silently: pytest-dev/pytest-xdist#1386.
"""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling

FOLDERS: Final = ("tests/ui/",)
"""Where a file has a server with runs, and a browser, which are made once for all of its tests."""


class Together(LoadScopeScheduling):
    """Gives whole files of these folders to a worker, those with the most tests first; then every test by itself."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.startswith(FOLDERS) else nodeid
