"""`InputModel`: a model that a task builds upon, whoever made it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Self

from penstock.core import outputs
from penstock.core.errors import NotFound
from penstock.ops.models import AddModel, FindModels, GetModel, LinkModel, ListModels
from penstock.ops.tasks import GetTask
from penstock.run import current
from penstock.sdk import model_files, session
from penstock.sdk.model_facts import checked_labels, design_text, framework_of, words
from penstock.sdk.models import Model
from penstock.sdk.output_model import Identified

_log = logging.getLogger("penstock")


class InputModel(Model):
    """A model that a task builds upon: one that is recorded, by its id or the newest that the filters let through.

    Args:
        model_id: Its id; the rest is then not looked at.
        name: Its name, exactly.
        project: Path of its project, exactly.
        tags: Its tags, as in `Model.query_models`.
        only_published: Whether it has to be published.

    Raises:
        NotFound: There is no such model.
    """

    def __init__(
        self,
        model_id: str | None = None,
        name: str | None = None,
        project: str | None = None,
        tags: Sequence[str] | None = None,
        only_published: bool = False,
    ) -> None:
        if model_id is not None:
            super().__init__(model_id)
            return
        wanted = FindModels(name=name, project=project, tags=words(tags), published=only_published, limit=1)
        found = session.backend().call(wanted)
        if not found:
            asked = {"name": name, "project": project, "tags": tags, "only_published": only_published or None}
            shown = ", ".join(f"{word} {value!r}" for word, value in asked.items() if value is not None)
            raise NotFound(f"there is no model with {shown or 'any name'}", hint="archived ones are found by id only")
        self._record = found[0]

    @classmethod
    def import_model(
        cls,
        weights_url: str,
        config_text: str | None = None,
        config_dict: Mapping[str, object] | None = None,
        label_enumeration: Mapping[str, int] | None = None,
        name: str | None = None,
        project: str | None = None,
        tags: Sequence[str] | None = None,
        comment: str | None = None,
        is_package: bool = False,
        create_as_published: bool = False,
        framework: str | None = None,
    ) -> Self:
        """Record a model whose weights are at a URL, or at a path of this machine, and stay there.

        Of a URL that a model is recorded with already, that model is returned as it is, with a warning.

        Args:
            weights_url: Where the weights are.
            config_text, config_dict: Its configuration, as a text or as a dict.
            label_enumeration: The number that it gives to each class.
            name: Its name; by default that of the file.
            project: Path of its project; by default that of the task which this process works on.
            tags: Its tags.
            comment: Its comment.
            is_package: Whether the file is an archive that comes back unpacked.
            create_as_published: Whether it is published at once.
            framework: The library that wrote it; by default what the name of the file tells.

        Raises:
            Invalid: There is no such file, or an argument makes no sense.
        """
        backend = session.backend()
        url = model_files.address(weights_url)
        known = backend.call(FindModels(url=url, limit=1))
        if known:
            _log.warning("model %s is recorded with %s already and is used as it is", known[0].id, url)
            return cls.from_record(known[0])
        file = url.rstrip("/").rpartition("/")[2]
        record = outputs.Model(
            id=uuid.uuid4().hex,
            task="",
            project=project if project is not None else _present_project(),
            name=name or file or "imported",
            url=url,
            framework=framework or framework_of(file),
            comment=comment or "",
            tags=words(tags),
            labels=checked_labels(label_enumeration) or {},
            design=design_text(config_text, config_dict) or "",
            facts={"package": "true"} if is_package else {},
        )
        return cls.from_record(backend.call(AddModel(model=record, publish=create_as_published)))

    @classmethod
    def load_model(cls, weights_url: str, load_archived: bool = False) -> Self | None:
        """Return the newest model that is recorded with this URL or path; None when there is none.

        Raises:
            Invalid: It is a path, and there is no such file.
        """
        op = FindModels(url=model_files.address(weights_url), archived=load_archived, limit=1)
        found = session.backend().call(op)
        return cls.from_record(found[0]) if found else None

    @classmethod
    def empty(
        cls,
        config_text: str | None = None,
        config_dict: Mapping[str, object] | None = None,
        label_enumeration: Mapping[str, int] | None = None,
    ) -> Self:
        """Return a model that is not recorded and has no weights; `connect` fills it where the task has one."""
        return cls.from_record(
            outputs.Model(
                id="",
                task="",
                project="",
                name="",
                url="",
                labels=checked_labels(label_enumeration) or {},
                design=design_text(config_text, config_dict) or "",
            )
        )

    def connect(self, task: Identified, name: str | None = None, ignore_remote_overrides: bool = False) -> None:
        """Make it an input model of a task, in the place of the one of its name.

        In the process of a task that was launched with another input model of that name, this object becomes that one.

        Args:
            name: The name that it has there; by default its own.
            ignore_remote_overrides: Whether this model is used whatever the task was launched with.

        Raises:
            NotFound: There is no such task.
            Conflict: The task is published.
        """
        called = name or self.name
        given = None if ignore_remote_overrides else _launched_with(task.id, called)
        if given is not None:
            self._record = session.backend().call(GetModel(id=given))
        elif self._record.id:
            op = LinkModel(task=task.id, model=self._record.id, direction="input", name=called)
            session.backend().call(op)


_connected: set[tuple[str, str]] = set()  # tasks and names that this process connected: later ones replace these


def _launched_with(task: str, name: str) -> str | None:
    """Return the id of the input model that a task was launched with, when this is its process."""
    working = current.get()
    mine = (task, name)
    if working is None or not working.assigned or working.task != task or mine in _connected:
        return None
    _connected.add(mine)
    models = session.backend().call(ListModels(task=task))
    return next((one.id for one in models if (one.direction, one.name) == ("input", name)), None)


def _present_project() -> str:
    working = current.get()
    return "" if working is None else session.backend().call(GetTask(id=working.task)).project
