"""A server in a thread of this process: for notebooks, and for tests that want a real one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from penstock.backend.local import Local
from penstock.server.access import Authenticate
from penstock.server.serve import Address, Serving, make_server

START: Final = 30.0  # seconds


@contextmanager
def serving(backend: Local, chosen: Serving, authenticate: Authenticate | None = None) -> Generator[Address]:
    """Serve for as long as the block goes on.

    Args:
        backend: The service and the blobs; whoever opened them closes them afterwards.
        chosen: How to serve.
        authenticate: As for `make_server`.

    Yields:
        Where the server is.
    """
    said: queue.Queue[Address | BaseException] = queue.Queue()

    def run() -> None:
        try:
            with made as server:
                server.run_until_told()
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits for the server
            said.put(error)

    made = make_server(backend, chosen, said.put, authenticate=authenticate)
    thread = threading.Thread(target=run, name="penstock-server", daemon=True)
    thread.start()
    address = said.get(timeout=START)
    if isinstance(address, BaseException):
        raise address
    try:
        yield address
    finally:
        made.stop()
        thread.join()
