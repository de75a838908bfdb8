"""Puts the parts of the server together: the one place that knows them all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Final

from msgspec import Struct

from penstock.backend.local import Local
from penstock.backend.secrets import AT_ONCE
from penstock.blobs.uploads import LARGEST, Uploads
from penstock.core.errors import PenstockError
from penstock.ops.agents import ListAgents
from penstock.ops.claims import EndLeases, SpareLeases
from penstock.server.access import Authenticate
from penstock.server.blobs import BlobRoutes
from penstock.server.door import Alive, Door, Hosts
from penstock.server.feed import PERIOD, Feed
from penstock.server.files import FileLinks, Files, Origins, Signatures
from penstock.server.hearing import Hearing
from penstock.server.login import LoginRoutes
from penstock.server.loops import ATTENDANT, Loop
from penstock.server.metrics import Metrics
from penstock.server.operations import Operations
from penstock.server.page import Page
from penstock.server.pages import Pages
from penstock.server.routes import Table
from penstock.server.sessions import Sessions

ANSWERS_KEPT: Final = 24 * 3600.0
"""Seconds for which the answer to a request that may come again is kept."""

LEASES: Final = 5.0  # seconds between two looks for leases that have run out
ASLEEP: Final = 3 * LEASES  # seconds without a look that say that this process, or its machine, did not run
TIDY: Final = 600.0  # seconds between two times of tidying up
HALF_SENT: Final = 24 * 3600.0  # seconds after which what was not sent to its end is removed


class Limits(Struct, frozen=True, kw_only=True):
    """How much a client may ask for.

    Args:
        body: Bytes of a request that is an operation.
        blob: Bytes of a blob.
        reserve: Bytes of the disk that blobs do not get.
        threads: How many operations are carried out at once; as many files are read or written beside them.
    """

    body: int = 64 << 20
    blob: int = LARGEST
    reserve: int = 10**9
    threads: int = 16


class App:
    """The server without its socket.

    Args:
        backend: The service and the blobs.
        hosts: By what names it is reached.
        authenticate: Who comes with a key.
        limits: How much a client may ask for.
        beside: What else goes on in this server; one of the name `agents` starts agents on this machine.

    Attributes:
        asgi: What a web server calls.
        table: Its routes.
        sessions: The browsers that are logged in.
        feed: The changes as they come.
    """

    def __init__(
        self,
        backend: Local,
        hosts: Hosts,
        authenticate: Authenticate,
        limits: Limits | None = None,
        beside: Sequence[Loop] = (),
    ) -> None:
        limits = limits or Limits()
        self._backend = backend
        self._looked = time.time()
        self._threads = ThreadPoolExecutor(limits.threads, "penstock-op")
        self._files = ThreadPoolExecutor(limits.threads, "penstock-file")
        self._passwords = ThreadPoolExecutor(AT_ONCE, "penstock-password")  # a wave of guesses holds nothing else up
        self.sessions = Sessions()
        self.feed = Feed(backend.call)
        self._hearing = Hearing(self._spare_leases)
        self._loops = (
            Loop("changes", PERIOD, self.feed.look),
            Loop("leases", LEASES, self._end_leases, rest=LEASES),
            Loop("tidying", TIDY, self._tidy, rest=TIDY),
            *beside,
        )
        uploads = Uploads(backend.blobs, backend.blobs.root, limits.blob, limits.reserve)
        metrics = self._metrics(uploads)
        operations = Operations(backend, self._threads, self.feed, self._hearing, limits.body)
        blobs = BlobRoutes(backend.blobs, uploads, self._files)
        login = LoginRoutes(backend, self.sessions, hosts.cookie, self._passwords, secure=hosts.secure)
        pages = Pages(self._loops, metrics, lambda: uploads.takes_more, self._threads)
        signatures = Signatures()
        page = Page(hosts.files, attended=any(loop.name == ATTENDANT for loop in beside))
        links = FileLinks(backend, backend.blobs, hosts.files, signatures, self._files)
        parts = (operations, blobs, links, login, pages, page)
        self.table = Table((route for part in parts for route in part.routes()), page.fallback())
        door = Door(self.table, hosts, authenticate, self.sessions, self._threads, metrics)
        files = Files(hosts.files, signatures, backend.blobs, self._files)
        self.asgi = Alive(Origins(door, files, hosts.files.names), self._begin, self._end)

    def _begin(self) -> None:
        self._spare_leases()
        self.feed.open()
        self._backend.follow(self.feed.told)
        for loop in self._loops:
            loop.start()

    def _end(self) -> None:
        self.feed.end()
        self._backend.follow(None)
        for loop in self._loops:
            loop.stop()
        for pool in (self._threads, self._files, self._passwords):
            pool.shutdown(wait=True, cancel_futures=True)

    def _spare_leases(self) -> None:
        """Put off the end of every lease: while no server was there, nobody could renew one."""
        self._backend.call(SpareLeases())
        self._looked = time.time()

    def _end_leases(self) -> None:
        """Decide about what was lost with its agent; not at once where that could not be heard of."""
        if time.time() - self._looked > ASLEEP:
            self._spare_leases()
        if not self._hearing.is_silent:
            self._backend.call(EndLeases())
        self._looked = time.time()

    def _tidy(self) -> None:
        """Forget what is too old to be asked for again."""
        self._backend.forget_answers(ANSWERS_KEPT)
        self._backend.blobs.sweep(HALF_SENT, time.time())

    def _metrics(self, uploads: Uploads) -> Metrics:
        metrics = Metrics()
        metrics.watch("penstock_disk_free_bytes", "Bytes left on the disk of the blobs.", lambda: float(uploads.free))
        metrics.watch("penstock_waiting_clients", "Clients that wait for changes.", lambda: float(self.feed.clients))
        metrics.watch("penstock_change_seq", "Number of the newest change that was seen.", lambda: float(self.feed.seq))
        metrics.watch_table(
            "penstock_agent_usage_percent", "What the machine of an agent uses.", ["agent", "of"], self._usage
        )
        ages = {loop.name: partial(getattr, loop, "age") for loop in self._loops}
        metrics.watch_all("penstock_loop_age_seconds", "Seconds since a loop did its work.", "loop", ages)
        return metrics

    def _usage(self) -> list[tuple[tuple[str, str], float]]:
        """Return what the machines of the agents use; nothing when it cannot be read, for the rest is wanted then."""
        with suppress(PenstockError):
            agents = self._backend.call(ListAgents())
            return [((one.name, of), percent) for one in agents for of, percent in one.usage.items()]
        return []
