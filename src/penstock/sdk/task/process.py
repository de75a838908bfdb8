"""What a script says of its own process: which task it is, its seed, objects that are stored as it goes."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping, Sequence
from typing import ClassVar

from penstock.core.errors import Invalid
from penstock.core.task import TaskType
from penstock.run import current
from penstock.sdk import registered, session
from penstock.sdk.task.record import Record


class Process(Record):
    """What a script says of its own process."""

    TaskTypes: ClassVar[type[TaskType]] = TaskType

    _offline: ClassVar[bool] = False

    def is_current_task(self) -> bool:
        """Return whether this process works on it."""
        working = current.get()
        return working is not None and working.task == self.id

    def is_main_task(self) -> bool:
        """The same as `is_current_task`."""
        return self.is_current_task()

    def register_artifact(
        self,
        name: str,
        artifact: object,
        metadata: Mapping[str, object] | None = None,
        uniqueness_columns: bool | Sequence[str] = True,
    ) -> None:
        """Store an object, such as a table, now, and again as it is then whenever the task flushes, closes or leaves.

        Args:
            name: The artifact's name.
            metadata: Facts to record with it, as texts.
            uniqueness_columns: Accepted for compatibility; rows are stored as they are.
        """
        _ = uniqueness_columns
        registered.register(self.id, name, artifact, metadata)

    def unregister_artifact(self, name: str) -> None:
        """Store an object no more; what was stored of it stays."""
        registered.unregister(self.id, name)

    def get_registered_artifacts(self) -> dict[str, object]:
        """Return the objects that are registered, by name."""
        return registered.of(self.id)

    @classmethod
    def set_random_seed(cls, random_seed: int | None) -> None:
        """Seed Python's random numbers, and those of NumPy and torch if they are loaded; None leaves all as they are.

        `Task.init` itself seeds nothing.
        """
        if random_seed is None:
            return
        random.seed(random_seed)
        numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
        if numpy is not None:
            numpy.random.seed(random_seed)
        if torch is not None:
            torch.manual_seed(random_seed)

    @classmethod
    def set_credentials(
        cls,
        api_host: str | None = None,
        web_host: str | None = None,
        files_host: str | None = None,
        key: str | None = None,
        secret: str | None = None,
        store_conf_file: bool = False,
    ) -> None:
        """Do nothing but say so: a server is named by PENSTOCK_URL and PENSTOCK_KEY, and without them none is needed.

        Args:
            api_host, web_host, files_host, key, secret, store_conf_file: Accepted for compatibility.
        """
        _ = api_host, web_host, files_host, key, secret, store_conf_file
        where = session.settings().url or str(session.settings().home)
        sys.stderr.write(f"penstock: set_credentials() was passed over; everything is recorded in {where}\n")

    @classmethod
    def set_offline(cls, offline_mode: bool = False) -> None:
        """Ask for a task that needs no connection: without PENSTOCK_URL no task needs one.

        Raises:
            Invalid: PENSTOCK_URL names a server.
        """
        if offline_mode and session.settings().url:
            raise Invalid("PENSTOCK_URL names a server", hint="unset it: then everything is recorded on this machine")
        Process._offline = offline_mode

    @classmethod
    def is_offline(cls) -> bool:
        """Return whether `set_offline` asked for it."""
        return Process._offline
