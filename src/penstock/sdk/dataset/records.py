"""How data sets are recorded: each is a task of type `data_processing` with its manifest as an artifact.

The task lies in the project `<project>/.datasets/<name>`. While files are added it is a draft; when it is finalized it
completes, and has each content of its files as an artifact too, so that the bytes stay for as long as it does.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from penstock.core.errors import Conflict, Damaged, NotFound
from penstock.core.outputs import Artifact, Blob
from penstock.core.task import Status, Task, TaskType
from penstock.core.version import bump, key
from penstock.ops.lifecycle import BeginTask
from penstock.ops.outputs import GetArtifact, ListArtifacts
from penstock.ops.tasks import CreateTask, EndTask, GetTask, ListProjects, ListTasks, NewTask
from penstock.run import datasets, liveness
from penstock.run.datasets import Entry, Manifest
from penstock.sdk import artifacts, session

MANIFEST = "manifest"
TAG = "dataset"
VERSION = "version"
FIRST = "1.0.0"
FOLDER = ".datasets"
MOST = 10_000  # versions of one data set, and data sets, that are looked through
DONE = (Status.COMPLETED, Status.PUBLISHED)


def place(project: str, name: str) -> str:
    """Return the project in which the versions of a data set lie."""
    return "/".join(part for part in (project.strip("/"), FOLDER, name) if part)


def project_of(task: Task) -> str:
    """Return the project that a data set was made in."""
    return task.project.rpartition(f"{FOLDER}/")[0].rstrip("/")


def version_of(task: Task) -> str:
    """Return the version of a data set."""
    return task.runtime.get(VERSION, "")


def create(project: str, name: str, version: str | None, tags: Iterable[str], comment: str) -> Task:
    """Record a data set as a draft.

    Args:
        version: None for the one after the highest there is, 1.0.0 at first.

    Raises:
        BadVersion: It is none.
        Conflict: There is one of this version that is final.
    """
    earlier = versions(project, name)
    if version is None:
        known = sorted((version_of(one) for one in earlier), key=key)
        version = bump(known[-1]) if known else FIRST
    elif any(key(version_of(one)) == key(version) and one.status in DONE for one in earlier):
        hint = "give another dataset_version, or none"
        raise Conflict(f"data set {name!r} has a version {version} already", hint=hint)
    new = NewTask(
        id=uuid.uuid4().hex,
        name=name,
        project=place(project, name),
        type=TaskType.DATA_PROCESSING,
        user=session.settings().user,
        comment=comment,
        tags=tuple(tags),
        system_tags=(TAG,),
        runtime={VERSION: version},
    )
    return session.backend().call(CreateTask(task=new))


def versions(project: str, name: str) -> list[Task]:
    """Return the versions of a data set that are there, the newest first."""
    op = ListTasks(project=place(project, name), type=TaskType.DATA_PROCESSING, alone=True, limit=MOST)
    return [one for one in session.backend().call(op) if TAG in one.system_tags]


def find(
    project: str | None, name: str | None, tags: Sequence[str], version: str | None, statuses: tuple[Status, ...] | None
) -> list[Task]:
    """Return data sets that fit, the highest version of the newest first."""
    places = [place(project, name)] if project is not None and name else _places(project, name)
    found: list[Task] = []
    for one in places:
        op = ListTasks(
            project=one,
            type=TaskType.DATA_PROCESSING,
            alone=True,
            statuses=statuses,
            tags=tuple(tags),
            archived=False,
            limit=MOST,
        )
        found += [task for task in session.backend().call(op) if TAG in task.system_tags]
    if version is not None:
        found = [task for task in found if key(version_of(task)) == key(version)]
    return sorted(found, key=lambda task: (key(version_of(task)), task.created), reverse=True)


def _places(project: str | None, name: str | None) -> list[str]:
    known = session.backend().call(ListProjects(hidden=True))
    beginning = None if project is None else f"{project.strip('/')}/".lstrip("/")
    return [
        one
        for one in known
        if f"{FOLDER}/" in one
        and (beginning is None or one.startswith(beginning))
        and (not name or one.rpartition(f"{FOLDER}/")[2] == name)
    ]


def get(id: str) -> Task:
    """Return the task of a data set.

    Raises:
        NotFound: There is no such task, or it is no data set.
    """
    task = session.backend().call(GetTask(id=id))
    if TAG not in task.system_tags:
        raise NotFound(
            f"task {task.name!r} ({id}) is no data set", hint="see the data sets with Dataset.list_datasets()"
        )
    return task


def manifest_of(task: Task) -> Manifest:
    """Return what is recorded of a data set's files; nothing was recorded of a new one.

    Raises:
        UnsafeArchive: The manifest names what is never written.
        Damaged: Its bytes are gone, or are not what was recorded.
    """
    try:
        found = session.backend().call(GetArtifact(task=task.id, name=MANIFEST))
    except NotFound:
        return Manifest()
    return datasets.read(artifacts.Artifact(found).get(), task.name)


def kept_with(task: Task) -> list[Artifact]:
    """Return the artifacts of a data set."""
    return session.backend().call(ListArtifacts(task=task.id))


def damaged(files: Mapping[str, Entry]) -> list[str]:
    """Return the files whose stored content is gone, or is not what was recorded."""
    bad: set[str] = set()
    blobs = session.backend().blobs
    for entry in {one.hash: one for one in files.values()}.values():
        try:
            blobs.check(Blob(entry.hash, entry.size))
        except Damaged:
            bad.add(entry.hash)
    return sorted(name for name, entry in files.items() if entry.hash in bad)


def manifest_at(id: str) -> Manifest | None:
    """Return what is recorded of the files of a data set; None when it was deleted."""
    try:
        return manifest_of(get(id))
    except NotFound:
        return None


def keep(task: Task, manifest: Manifest) -> None:
    """Record a manifest."""
    facts = {"files": str(len(manifest.files)), "bytes": str(sum(one.size for one in manifest.files.values()))}
    artifacts.record_as_is(task.id, MANIFEST, msgspec.to_builtins(manifest), facts=facts)


def store(files: Mapping[str, Entry], sources: Mapping[str, Path]) -> int:
    """Store the contents of files that were added and are not stored yet; return how many bytes were.

    Raises:
        Conflict: A file has changed since it was added.
        NotFound: It is not there any more.
        DiskFull: There is no space for it.
    """
    blobs, stored = session.backend().blobs, 0
    for name, source in sources.items():
        wanted = Blob(files[name].hash, files[name].size)
        if blobs.stat(wanted.hash) == wanted:
            continue
        if blobs.put_file(source) != wanted:
            raise Conflict(f"{source} has changed since it was added", hint="add it again")
        stored += wanted.size
    return stored


def complete(task: Task, manifest: Manifest) -> Task:
    """End a data set that has all its files stored; from now on it stays as it is.

    Raises:
        Damaged: The content of a file is not stored, or not any more.
    """
    backend = session.backend()
    contents: dict[str, tuple[str, Entry]] = {}
    for name, entry in manifest.files.items():
        contents.setdefault(entry.hash, (name, entry))
    for name, entry in contents.values():
        if backend.blobs.stat(entry.hash) is None:
            hint = "add it again, and upload the data set"
            raise Damaged(f"data set {task.name!r}: the content of {name!r} is not stored", hint=hint)
    keep(task, manifest)
    held = tuple(_held(task, name, entry) for name, entry in contents.values())
    if task.status is Status.CREATED:
        backend.call(BeginTask(id=task.id, worker=liveness.here()))
    return backend.call(EndTask(id=task.id, status=Status.COMPLETED, artifacts=held))


def _held(task: Task, name: str, entry: Entry) -> Artifact:
    """Return the artifact that holds the content of a file."""
    return Artifact(
        task=task.id,
        name=f"file {entry.hash}",
        format="file",
        type="pathlib.Path",
        hash=entry.hash,
        size=entry.size,
        url=session.backend().blobs.url(entry.hash),
        metadata={"file_name": name.rpartition("/")[2]},
    )
