"""What a task is asked to do: its parameters, configurations, code, packages and container."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast as as_type

from msgspec.structs import replace

from penstock.core.errors import Invalid
from penstock.core.flat import is_dict, join, leaves, split
from penstock.core.parameters import cast, held, plain, restore, type_name
from penstock.core.task import Configuration, Container, Parameter, Script
from penstock.ops.tasks import DescribeTask, GetConfigurations, RemoveParameters, SetConfiguration, SetParameters
from penstock.sdk import session
from penstock.sdk.demanded import demand, ignore
from penstock.sdk.given import requirements
from penstock.sdk.task.record import Record


class Requests(Record):
    """What a task is asked to do."""

    def get_parameters(self, backwards_compatibility: bool = True, cast: bool = False) -> dict[str, object]:
        """Return its hyper-parameters as `Section/name` -> value, each in its type.

        Args:
            backwards_compatibility, cast: Accepted for compatibility; values keep their types anyway.
        """
        _ = backwards_compatibility, cast
        return {one.path: restore(one) for one in self._parameters()}

    def get_parameters_as_dict(self, cast: bool = False) -> dict[str, object]:
        """Return its hyper-parameters as nested dicts: the section, then each part of the name.

        Args:
            cast: Accepted for compatibility; values keep their types anyway.
        """
        _ = cast
        found: dict[str, object] = {}
        values = self.get_parameters()
        for path in sorted(values, key=lambda path: path.count("/")):
            place, words = found, split(path)
            while len(words) > 1 and is_dict(inner := place.setdefault(words[0], {})):
                place, words = inner, words[1:]
            last = words[0] if len(words) == 1 else join(words)  # where a value stands in the place of a dict
            place[last] = values[path]
        return found

    def get_parameter(self, name: str, default: object = None, cast: bool = False) -> object:
        """Return one hyper-parameter by `Section/name`; `default` when it has none of that name.

        Args:
            cast: Accepted for compatibility; values keep their types anyway.
        """
        _ = cast
        return self.get_parameters().get(name, default)

    def set_parameters(self, *dicts: Mapping[str, object], **parameters: object) -> None:
        """Replace all its hyper-parameters by these, given by `Section/name`. To keep the others: `update_parameters`.

        Raises:
            BadParameter: A value is none that a parameter can hold.
            Conflict: The task is published.
        """
        self._set({name: value for one in (*dicts, parameters) for name, value in one.items()}, replace=True)

    def update_parameters(self, *dicts: Mapping[str, object], **parameters: object) -> None:
        """Set several hyper-parameters by `Section/name`; others stay as they are."""
        self._set({name: value for one in (*dicts, parameters) for name, value in one.items()}, replace=False)

    def set_parameters_as_dict(self, dictionary: Mapping[str, object]) -> None:
        """Replace all its hyper-parameters by these nested dicts: the section, then each part of the name."""
        found = {join(path): value for path, value in leaves(dictionary) if value != {} or len(path) > 1}
        self._set(found, replace=True)

    def set_parameter(
        self, name: str, value: object, description: str | None = None, value_type: str | type | None = None
    ) -> None:
        """Set one hyper-parameter by `Section/name`.

        Args:
            description: What it is for.
            value_type: The type that it must keep: `int`, `"int"`, ...; None takes that of the value.

        Raises:
            BadParameter: The value is none that a parameter can hold, or does not fit the type.
            Conflict: The task is published.
        """
        one = parameter(name, value)
        if value_type is not None:
            one = replace(one, type=type_name(value_type, None))
            one = replace(one, value=cast(one, value))
        one = replace(one, description=description or "")
        session.backend().call(SetParameters(task=self.id, parameters=(one,)))

    def delete_parameter(self, name: str) -> bool:
        """Remove one hyper-parameter by `Section/name`; return whether it was there."""
        return session.backend().call(RemoveParameters(task=self.id, paths=(name,))) > 0

    def get_configuration_objects(self) -> dict[str, str]:
        """Return the texts of its configuration objects, by name."""
        return {name: one.text for name, one in self._configurations().items()}

    def get_configuration_object(self, name: str) -> str | None:
        """Return the text of a configuration object; None when it has none of that name."""
        return self.get_configuration_objects().get(name)

    def get_configuration_object_as_dict(self, name: str) -> dict[str, object] | list[object] | None:
        """Return a configuration object that is JSON as a dict or list; None when there is none, or it is none.

        A text that the SDK wrote from a dict is JSON.
        """
        text = self.get_configuration_object(name)
        try:
            found: object = json.loads(text or "")
        except ValueError:
            return None
        if is_dict(found):
            return found
        return as_type("list[object]", found) if isinstance(found, list) else None

    def set_configuration_object(
        self,
        name: str,
        config_text: str | None = None,
        description: str | None = None,
        config_type: str | None = None,
        config_dict: Mapping[str, object] | list[object] | None = None,
    ) -> None:
        """Set a configuration object: a text as it is, or a dict or list as JSON.

        Args:
            config_type: The format of the text, for example `yaml`.

        Raises:
            Invalid: Neither a text nor a dict is given, or both are.
            Conflict: The task is published.
        """
        if (config_text is None) == (config_dict is None):
            raise Invalid(f"configuration {name!r} is given by config_text or by config_dict, by one of them")
        kind = config_type or ("json" if config_dict is not None else "")
        text = config_text if config_dict is None else json.dumps(plain(config_dict, name), indent=2)
        made = Configuration(name=name, text=text or "", format=kind, description=description or "")
        session.backend().call(SetConfiguration(task=self.id, configuration=made))

    def get_script(self) -> dict[str, str | None]:
        """Return what it runs: `repository`, `branch`, `commit`, `diff`, `working_dir`, `entry_point`, `source`, ..."""
        script = self._record.script
        return {
            "repository": script.repository,
            "branch": script.branch,
            "commit": script.commit,
            "diff": script.diff or script.source,
            "working_dir": script.working_dir,
            "entry_point": script.entry_point,
            "binary": f"python{script.interpreter}",
        }

    def set_script(
        self,
        repository: str | None = None,
        branch: str | None = None,
        commit: str | None = None,
        diff: str | None = None,
        working_dir: str | None = None,
        entry_point: str | None = None,
    ) -> None:
        """Say what it runs; what is None stays as it is.

        Args:
            diff: What to change in the repository, as `git diff` writes it; without a repository the script itself.
            entry_point: The file to run, or `-m package.module`.

        Raises:
            Conflict: It has ended.
        """
        given = {"repository": repository, "branch": branch, "commit": commit, "working_dir": working_dir}
        changed = {name: value for name, value in given.items() if value is not None}
        script = replace(self._record.script, **changed)
        if diff is not None:
            script = replace(script, diff=diff) if script.repository else replace(script, source=diff, diff="")
        if entry_point is not None:
            script = replace(script, entry_point=entry_point)
        self._set_script(script)

    def set_repo(self, repo: str | None = None, branch: str | None = None, commit: str | None = None) -> None:
        """Say in which repository its code is; an empty text means in none."""
        given = {"repository": repo, "branch": branch, "commit": commit}
        changed = {name: value or None for name, value in given.items() if value is not None}
        self._set_script(replace(self._record.script, **changed))

    @staticmethod
    def add_requirements(package_name: str, package_version: str | None = None) -> None:
        """Record a package with the task that `Task.init` begins afterwards, also if its script does not import it.

        Args:
            package_name: Its name, or the path of a file with requirement lines.
            package_version: A version, or a condition such as `>=2.0`; None for any version.

        Raises:
            Invalid: It is neither the name of a package nor a file.
        """
        demand(package_name, package_version)

    @staticmethod
    def ignore_requirements(package_name: str) -> None:
        """Leave a package out of what the task that `Task.init` begins afterwards is seen to import."""
        ignore(package_name)

    def set_packages(self, packages: str | Path | Iterable[str]) -> None:
        """Say which packages it needs: requirement lines, or the path of a file with them.

        Raises:
            Invalid: There is no such file.
            Conflict: It has ended.
        """
        self._set_script(replace(self._record.script, packages=requirements(packages)))

    def get_packages(self) -> list[str]:
        """Return the packages that it is recorded to need, as requirement lines."""
        return list(self._record.script.packages or ())

    def set_base_docker(
        self, docker_image: str | None = None, docker_arguments: str = "", docker_setup_bash_script: str = ""
    ) -> None:
        """Set the container that it asks for, before it begins; it acts where an agent runs the task.

        Raises:
            Invalid: No image is given.
            Conflict: It has begun already.
        """
        if not docker_image:
            raise Invalid("set_base_docker needs docker_image")
        asked = Container(image=docker_image, arguments=docker_arguments, setup_script=docker_setup_bash_script)
        self._describe(DescribeTask(id=self.id, container=asked))

    def get_base_docker(self) -> str | None:
        """Return the image and arguments of the container that it asks for; None when it asks for none."""
        asked = self._record.container
        return None if asked is None else f"{asked.image} {asked.arguments}".strip()

    def _set(self, given: Mapping[str, object], *, replace: bool) -> None:
        found = tuple(parameter(name, value) for name, value in given.items())
        session.backend().call(SetParameters(task=self.id, parameters=found, replace=replace))

    def _set_script(self, script: Script) -> None:
        self._describe(DescribeTask(id=self.id, script=script))

    def _configurations(self) -> dict[str, Configuration]:
        return {one.name: one for one in session.backend().call(GetConfigurations(task=self.id))}


def parameter(path: str, value: object) -> Parameter:
    """Return what is recorded of a value under its `Section/name`.

    Raises:
        Invalid: It has no section.
        BadParameter: The value is none that a parameter can hold.
    """
    section, _, name = path.partition("/")
    if not (section and name):
        raise Invalid(f"parameter {path!r} should be in the form of `section-name/parameter`")
    kind = "" if value is None else type(value).__name__
    return Parameter(section=section, name=name, value=held(value, path), type=kind)
