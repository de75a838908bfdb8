"""Copies of what a task leaves, sent where its `output_uri` says. The blob store keeps the original."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from penstock.core.task import Task
from penstock.run.remote.places import transport
from penstock.run.remote.urls import Url, parse, safe_name
from penstock.settings import environment


class Destination(Struct, frozen=True):
    """A folder of one task, somewhere.

    Args:
        folder: Its URL, or its path on this machine.
    """

    folder: Url

    def send(self, path: Path, *names: str) -> str:
        """Copy a file to a place below the folder and return its URL.

        Args:
            names: The place: names of folders, and that of the file. They are made safe: none is a path.

        Raises:
            RemoteError: It cannot be written; the message says why.
        """
        url = self.folder
        for name in names:
            url = url.child(safe_name(name))
        transport(url, environment()).send(path, url)
        return Path(url.key).absolute().as_uri() if url.is_local else url.text


def destination(task: Task) -> Destination | None:
    """Return where copies of what a task leaves are sent: `<output_uri>/<project>/<name>.<id>`; None for nowhere.

    Raises:
        Invalid: The task's output_uri is no URL.
    """
    if not task.output_uri:
        return None
    folder = parse(task.output_uri)
    for part in filter(None, task.project.split("/")):
        folder = folder.child(safe_name(part))
    return Destination(folder.child(f"{safe_name(task.name)}.{task.id}"))
