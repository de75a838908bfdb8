"""What a reference stands for, once the step that it names has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from penstock.backend import Backend
from penstock.core import refs
from penstock.core.assignment import Resolved
from penstock.core.errors import BadReference, NotFound
from penstock.core.names import did_you_mean
from penstock.core.outputs import Artifact, Model
from penstock.core.parameters import restore
from penstock.core.pipeline import FIELDS
from penstock.core.task import ENDED, Json, Parameter, Status, Task
from penstock.ops.outputs import GetOutputs, Outputs

TEXT_FIELDS = {"timestamp": "created"}  # documented names of an artifact's facts that are ours by another


class Lookup:
    """Looks up the references of one launch; what it has read of a task stays as it is.

    Args:
        backend: Where tasks and what they left behind are found.
        run: Id of the run.
        parameters: The run's parameters by name.
        task_of: Returns the id of a step's latest attempt; None when it has none.
        known: Returns what a task left behind, where that was read just now.
    """

    def __init__(
        self,
        backend: Backend,
        run: str,
        parameters: Mapping[str, Parameter],
        task_of: Callable[[str], str | None],
        known: Callable[[str], Outputs | None] = lambda _: None,
    ) -> None:
        self._backend = backend
        self._run = run
        self._parameters = parameters
        self._task_of = task_of
        self._known = known
        self._read: dict[str, Outputs] = {}

    def resolve(self, reference: refs.Ref) -> Resolved:
        """Return what the reference stands for.

        Raises:
            NotFound: The step left nothing of that name; the message says what it left.
            BadReference: The step has no task to ask.
        """
        match reference:
            case refs.PipelineValue(name=name):
                return _plain(self._pipeline_value(name))
            case refs.StepId(step=step):
                return _plain(self._task_id(step, reference))
            case refs.StepValue():
                return self._value(reference)
            case refs.StepArtifact(step=step, name=name, attr=attr):
                return _plain(self._artifact_fact(step, name, attr, reference))
            case refs.StepParameter(step=step, name=name):
                return _plain(self._parameter(step, name, reference))
            case refs.StepModel(step=step, direction=direction, index=index, attr=attr):
                chosen = [one for one in self._outputs(step, reference).models if one.direction == direction]
                return _plain(_model_fact(chosen, index, attr, reference))
            case refs.StepField(step=step, path=path):
                return _plain(_field(self._outputs(step, reference).task, path, reference))
            case _:
                raise BadReference(f"{reference.text} cannot be looked up")

    def _pipeline_value(self, name: str) -> Json:
        if name not in self._parameters and name == "id":
            return self._run
        return restore(self._parameters[name])  # type: ignore[return-value]

    def _task_id(self, step: str, reference: refs.Ref) -> str:
        found = self._task_of(step)
        if found is None:
            raise BadReference(f"{reference.text}: step {step!r} was not run")
        return found

    def _outputs(self, step: str, reference: refs.Ref) -> Outputs:
        id = self._task_id(step, reference)
        if id not in self._read:
            self._read[id] = self._known(id) or self._backend.call(GetOutputs(task=id))
        return self._read[id]

    def _value(self, reference: refs.StepValue) -> Resolved:
        """Return a value that the step returned. A step that ended badly and may be built upon gives None."""
        step, name = reference.step, reference.name
        outputs = self._outputs(step, reference)
        artifact = next((one for one in outputs.artifacts if one.name == name), None)
        if artifact is None:
            task = outputs.task
            if task.status in ENDED and task.status is not Status.COMPLETED:
                return _plain(None)
            if name in FIELDS and not reference.artifact:
                return _plain(_field(task, (name,), reference))
            raise _no_artifact(step, name, outputs.artifacts, reference)
        plain = next((one for one in outputs.parameters if one.section == "return" and one.name == name), None)
        if plain is not None:
            return _plain(restore(plain))
        return Resolved(artifact=artifact, text=artifact.url)

    def _artifact_fact(self, step: str, name: str, attr: str, reference: refs.Ref) -> Json:
        artifacts = self._outputs(step, reference).artifacts
        artifact = next((one for one in artifacts if one.name == name), None)
        if artifact is None:
            raise _no_artifact(step, name, artifacts, reference)
        fact: Json = getattr(artifact, TEXT_FIELDS.get(attr, attr), artifact.format)
        return fact

    def _parameter(self, step: str, path: str, reference: refs.Ref) -> object:
        found = {parameter.path: parameter for parameter in self._outputs(step, reference).parameters}
        if path not in found:
            hint = did_you_mean(path, found, f"step {step!r} has no parameters")
            raise NotFound(f"{reference.text}: step {step!r} has no parameter {path!r}", hint=hint)
        return restore(found[path])


def _plain(value: object) -> Resolved:
    return Resolved(value=value, text=str(value))  # type: ignore[arg-type]


def _model_fact(models: list[Model], index: int, attr: str, reference: refs.Ref) -> Json:
    if not -len(models) <= index < len(models):
        raise NotFound(
            f"{reference.text}: the step has {len(models)} such models", hint="they count from 0; -1 is the last"
        )
    if attr not in Model.__struct_fields__:
        raise NotFound(
            f"{reference.text}: a model has no {attr!r}", hint=did_you_mean(attr, Model.__struct_fields__, "")
        )
    fact: object = getattr(models[index], attr)
    return list(fact) if isinstance(fact, tuple) else fact  # type: ignore[return-value]


def _field(task: Task, path: tuple[str, ...], reference: refs.Ref) -> Json:
    found: object = task
    for word in path:
        if word not in getattr(found, "__struct_fields__", ()):
            raise NotFound(f"{reference.text}: a task has no field {'.'.join(path)!r}")
        found = getattr(found, word)
    return list(found) if isinstance(found, tuple) else found  # type: ignore[return-value]


def _no_artifact(step: str, name: str, artifacts: Sequence[Artifact], reference: refs.Ref) -> NotFound:
    names = [artifact.name for artifact in artifacts]
    hint = did_you_mean(name, names, f"step {step!r} stored no artifacts")
    return NotFound(f"{reference.text}: step {step!r} stored no artifact {name!r}", hint=hint)
