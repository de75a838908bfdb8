"""Makes the cache keys of a run's steps: from code, arguments, inputs and packages to `core.cachekey.KeyParts`.

It looks at definitions, files and what references turned out to be; it must never know what a key is compared with.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from penstock.backend import Backend
from penstock.core import refs
from penstock.core.cachekey import Input, KeyParts, key, value_text
from penstock.core.code import Code
from penstock.core.codekey import fingerprint
from penstock.core.contents import LARGEST
from penstock.core.errors import Invalid, PenstockError
from penstock.core.outputs import Artifact, Blob
from penstock.core.pipeline import Argument, Pipeline, script_key
from penstock.core.run import REUSED
from penstock.core.task import Container, Script, ScriptKind
from penstock.ops.executions import Keyed
from penstock.ops.tasks import GetTask
from penstock.run.launch import Prepared
from penstock.run.packages import installed
from penstock.run.patch import notes
from penstock.run.project import reach


class _Program(Struct, frozen=True):
    """What a step's script is, together with all that it uses."""

    code: Code
    packages: dict[str, str]


class Keys:
    """Makes the keys of one run's steps. Sources and packages are looked at once a script, at its first key.

    Args:
        path: Where the steps look for modules, as in `sys.path`.
        inputs: The run's own artifacts that hold arguments, by name.
    """

    def __init__(
        self, backend: Backend, pipeline: Pipeline, path: Sequence[str], inputs: Mapping[str, Artifact]
    ) -> None:
        self._backend = backend
        self._pipeline = pipeline
        self._path = path
        self._inputs = inputs
        self._programs: dict[str, _Program] = {}
        self._serializer = "".join(self._digest(one) for one in (pipeline.serializer, pipeline.deserializer))

    def make(self, prepared: Prepared) -> Keyed:
        """Return the key of a step that is ready to be launched.

        Raises:
            Invalid: An argument is nothing that a key can tell from others, or nobody knows what the code will be.
        """
        script = prepared.new.script
        program = self._program(script)
        texts: dict[str, str] = {}
        inputs: dict[str, Artifact] = {}
        for name, argument in prepared.arguments.items():
            self._read(name, argument, prepared, texts, inputs)
        texts.update({path: value_text(value) for path, value in prepared.settings.items()})
        parts = KeyParts(
            code=program.code,
            returns=prepared.returns,
            arguments=texts,
            inputs={name: Input(one.hash, one.format, one.type) for name, one in inputs.items()},
            contents={name: text for name, one in inputs.items() if (text := self._content(one))},
            packages=program.packages,
            container=_container(prepared.new.container),
            interpreter=".".join(platform.python_version_tuple()[:2]),
            serializer=self._serializer,
            place=_place(script),
        )
        return Keyed(key=key(parts), parts=parts)

    def _read(
        self,
        name: str,
        argument: Argument,
        prepared: Prepared,
        texts: dict[str, str],
        inputs: dict[str, Artifact],
    ) -> None:
        """Add an argument: as a text, and with an input for each artifact in it."""
        found: list[Artifact] = []
        references = prepared.references

        def lookup(reference: refs.Ref) -> object:
            resolved = references[reference.text]
            if resolved.artifact is None:
                return self._told_apart(reference, resolved.value)
            found.append(resolved.artifact)
            return f"artifact {len(found)}".encode()  # no plain argument holds bytes, so it stands for nothing else

        def as_text(reference: refs.Ref) -> str:
            resolved = references[reference.text]
            is_id = isinstance(reference, refs.StepId)
            return str(self._told_apart(reference, resolved.value)) if is_id else resolved.text

        value = refs.resolve(argument.value, lookup, as_text)
        if argument.artifact is not None:
            inputs[name] = prepared.inputs.get(argument.artifact) or self._inputs[argument.artifact]
            value = refs.resolve(list(argument.references), lookup, as_text)
        elif found and isinstance(value, bytes):
            inputs[name] = found[0]
            return
        if argument.artifact is None or argument.references:
            texts[name] = value_text(value)
        inputs.update({f"{name} ({number})": one for number, one in enumerate(found, 1)})

    def _content(self, artifact: Artifact) -> str:
        """Return what a small artifact holds that is JSON; nothing of others, or where it cannot be read."""
        if artifact.format != "json" or artifact.size > LARGEST or not artifact.hash:
            return ""
        if hashlib.sha256(artifact.preview.encode()).hexdigest() == artifact.hash:
            return artifact.preview  # all of it: no bytes are fetched
        with suppress(PenstockError, UnicodeDecodeError):  # whoever needs it meets the same, and says so
            return self._backend.blobs.read(Blob(artifact.hash, artifact.size)).decode()
        return ""

    def _told_apart(self, reference: refs.Ref, value: object) -> object:
        """Return what tells a value from others: instead of the id of a task that was reused, that of its origin."""
        if not isinstance(reference, refs.StepId):
            return value
        return self._backend.call(GetTask(id=str(value))).runtime.get(REUSED, value)

    def _program(self, script: Script) -> _Program:
        key = script_key(script)
        if key not in self._programs:
            self._programs[key] = self._read_program(script)
        return self._programs[key]

    def _read_program(self, script: Script) -> _Program:
        if script.kind is not ScriptKind.FUNCTION and script.repository:
            _must_be_whole(script)
            return _Program(_code_of(script, {}), installed(script.packages or ()))
        reached = reach(script.source, self._path)
        if script.kind is ScriptKind.FUNCTION:
            return _Program(fingerprint(script.source, script.entry_point, reached.modules), reached.packages)
        return _Program(_code_of(script, reached.modules), reached.packages)

    def _digest(self, code: str | None) -> str:
        return self._program(self._pipeline.code[code]).code.digest if code else ""


def _must_be_whole(script: Script) -> None:
    """Raise Invalid unless the record of a script in a repository says all about its code."""
    if not script.commit:
        which = f"branch {script.branch!r}" if script.branch else "no commit"
        raise Invalid(f"its repository is recorded with {which}, whose code may be another one each time")
    if left_out := notes(script.diff):
        raise Invalid(f"its code is not recorded as a whole: {left_out[0]}")


def _code_of(script: Script, modules: Mapping[str, str]) -> Code:
    """Return what a whole script is: its text, the changes to its repository, and the project's modules it imports."""
    texts = {"module __main__": script.source, "script.diff": script.diff, "script.entry_point": script.entry_point}
    texts |= {f"module {name}": text for name, text in modules.items()}
    texts |= {f"beside {one.name}": one.text for one in script.files}
    digests = {name: hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for name, text in texts.items()}
    whole = hashlib.sha256(repr(sorted(digests.items())).encode()).hexdigest()
    return Code(digest=whole, parts={name: f"text:{one[:16]}" for name, one in digests.items()})


def _container(container: Container | None) -> str:
    if container is None:
        return ""
    rest = hashlib.sha256(container.setup_script.encode()).hexdigest()[:16] if container.setup_script else ""
    return " ".join(filter(None, (container.image, container.arguments, rest)))


def _place(script: Script) -> str:
    branch = None if script.commit else script.branch  # a commit is the same on every branch
    return " ".join(filter(None, (script.repository, branch, script.commit, script.working_dir)))
