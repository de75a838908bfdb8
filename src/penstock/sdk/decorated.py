"""A call of a pipeline's function: which run it is, with which values, where it is carried out, and how it ends."""

from __future__ import annotations

import inspect
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Literal, Self, get_type_hints

from msgspec.structs import replace

from penstock.core.errors import BadParameter, Conflict, Invalid, PenstockError, StepFailed
from penstock.core.parameters import is_secret_type, restore
from penstock.core.pipeline import Pipeline, script_key
from penstock.core.run import Run
from penstock.core.task import Script, ScriptKind, Status
from penstock.ops.outputs import ListArtifacts
from penstock.ops.runs import GetRun
from penstock.ops.tasks import DescribeTask, GetParameters, GetTask
from penstock.run import current
from penstock.run.growing import GrowingController
from penstock.run.inline import Inline
from penstock.sdk import components, launched, session
from penstock.sdk.begin import Begin, Started, find_resumed
from penstock.sdk.flow import Around, Defaults, Flow
from penstock.sdk.lazy import resolved
from penstock.sdk.pipeline import PipelineController

Place = Literal["agents", "here", "inline", "controller"]
MULTI = "multi_pipeline_counter"
"""In the runtime of a run: which of its pipeline's calls in the script it is, where each of them is a run."""

KINDS = frozenset({str, int, float, bool, list, dict})
OURS = frozenset(
    {
        "return_value",
        "default_queue",
        "pipeline_execution_queue",
        "multi_instance_support",
        "args_map",
        "start_controller_locally",
    }
)  # fmt: skip - the arguments that PipelineController does not have


class Call:
    """A call of a pipeline's function.

    Args:
        function: The function as it was written.
        given: The arguments of the decorator.
        arguments, named: Those of the call.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        given: Mapping[str, Any],
        arguments: tuple[object, ...],
        named: Mapping[str, object],
    ) -> None:
        self.function = function
        self.given = given
        self._arguments = arguments
        self._named = named

    def plain(self) -> Any:
        """Call the function as if it was not decorated."""
        return self.function(*self._arguments, **self._named)

    def values(self) -> dict[str, object]:
        """Return the arguments by name; those that have no value at all are None.

        Raises:
            TypeError: The function cannot be called so.
            Invalid: It takes arguments without names.
        """
        signature = inspect.signature(self.function)
        bound = signature.bind_partial(*self._arguments, **self._named)
        bound.apply_defaults()
        found: dict[str, object] = {}
        for name, one in signature.parameters.items():
            if one.kind is one.VAR_KEYWORD:
                found |= bound.arguments.get(name, {})
            elif one.kind in {one.VAR_POSITIONAL, one.POSITIONAL_ONLY}:
                hint = "a run knows its parameters by name: leave out *arguments and /"
                raise Invalid(f"{self.function.__name__}() cannot be a pipeline: {name!r} has no name", hint=hint)
            else:
                found[name] = bound.arguments.get(name)
        return found

    def types(self) -> dict[str, type]:
        """Return the types that the function's annotations name, as far as parameters have them."""
        with suppress(Exception):  # names that only a type checker imports
            hints = get_type_hints(self.function)
            return {name: kind for name, kind in hints.items() if kind in KINDS or is_secret_type(kind)}
        return {}

    def sections(self) -> dict[str, str]:
        """Return the sections of the arguments that are not in `Args`."""
        given: Mapping[str, Iterable[str]] = self.given["args_map"] or {}
        return {name: section for section, names in given.items() for name in names}

    def defaults(self, stage: str | None, queue: str | None = None) -> Defaults:
        """Return what the pipeline says for its steps."""
        given = self.given
        return Defaults(
            queue=given["default_queue"] or queue,
            retry=given["retry_on_failure"],
            output_uri=given["output_uri"] if isinstance(given["output_uri"], str) else None,
            skip_global_imports=given["skip_global_imports"],
            stage=stage,
        )

    def place(self, wanted: Place) -> Place:
        """Return where the run is carried out: an agent has taken it already where this is its process."""
        if wanted != "agents":
            return wanted
        way = launched.get()
        carries = way is not None and way.carries
        own = self.given["start_controller_locally"] or not self.given["pipeline_execution_queue"]
        return "controller" if carries or own else "agents"


class Decorated(PipelineController):
    """One run of a pipeline that is written as a function."""

    _where: Place
    _asked: Call
    _values: dict[str, object]

    @classmethod
    def _of_call(cls, asked: Call, queue: str | None, place: Place) -> Self:
        """Record the draft of a run, with its parameters.

        Args:
            queue: That of its steps.
        """
        given = {name: value for name, value in asked.given.items() if name not in OURS}
        self = cls(**given)
        self._asked = asked
        self._where = place
        self._sections = asked.sections()
        self._values = asked.values()
        if unknown := self._sections.keys() - self._values.keys():
            raise Invalid(f"args_map names {min(unknown)!r}, which is no argument of {asked.function.__name__}()")
        self._definition = replace(self._definition, grows=True, default_queue=queue)
        types = asked.types()
        for name, value in self._values.items():
            self._declare(name, value, types.get(name))
        return self

    @classmethod
    def _perform(cls, asked: Call, queue: str | None, place: Place) -> Any:
        """Carry a call out, or let it go on by itself where it asks for that; return what the function returned."""
        self = cls._of_call(asked, queue, place)
        if asked.given["multi_instance_support"] == "parallel" and place != "agents":
            return in_background(self._go)
        return self._go()

    def _declare(self, name: str, value: object, kind: type | None) -> None:
        """Make an argument a parameter of the run, where its value is one that a parameter can hold."""
        fits = value is None or type(value) is kind or (kind is float and type(value) is int) or is_secret_type(kind)
        try:
            self.add_parameter(name, value, param_type=kind if fits else None)
        except BadParameter:
            way = launched.get()
            if self._where == "agents" or (way is not None and name in way.parameters):
                raise

    def _go(self) -> Any:
        """Carry the run out, or put it into its queue; return what the function returned."""
        if self._where == "agents":
            return self._leave()
        with_queues = launched.on_queues(wanted=self._where == "controller")
        definition = self._defined()
        options = replace(self._start_options(on_queues=with_queues), inline=self._where == "inline")
        begin = Begin(self._backend, self._settings, options)
        going_on = find_resumed(self._backend, definition, None)
        if going_on is None:
            started = begin.start(self._run.id, definition)
        else:
            started = self._resume(begin, going_on, definition)
        self._run = started.run
        flow = Flow(self._around(started, on_queues=with_queues), _carrier(started), self._asked.defaults(None))
        self._steps = flow.steps
        performance = Performance(started, flow)
        self._controller = started.carrier if isinstance(started.carrier, GrowingController) else None
        try:
            return performance.result(lambda: self._call_function(flow))
        finally:
            self._controller = None
            with suppress(PenstockError):  # then something worse is being raised already
                self._run = self._detail().run

    def _defined(self) -> Pipeline:
        """Return the definition: no steps yet, but the code of all that may become one, and the function's own."""
        skip = self._asked.given["skip_global_imports"]
        self._code |= dict(components.scripts(skip_global_imports=skip))
        with suppress(OSError, TypeError):
            text = inspect.getsource(self._asked.function)
            script = Script(source=text, entry_point=self._asked.function.__name__)
            self._code[script_key(script)] = script
        return self._define()

    def _resume(self, begin: Begin, going_on: Run, definition: Pipeline) -> Started:
        if self._where == "inline":
            hint = "leave debug_pipeline() out"
            raise Conflict(f"run {going_on.task.name!r} cannot go on in debug_pipeline(): that starts anew", hint=hint)
        started = begin.go_on(going_on, definition, self._run.id)
        way = launched.get()
        if way is not None:
            way.resume = None  # a second call is a run of its own
        self._parameters = {one.name: one for one in started.definition.parameters}
        return started

    def _leave(self) -> None:
        given = self._asked.given
        several = bool(given["multi_instance_support"])
        if several:
            self._backend.call(DescribeTask(id=self.id, runtime={MULTI: str(_calls[_key(self._asked)])}))
        self._code |= self._defined().code
        self.start(given["pipeline_execution_queue"], exit_process=not several)

    def _given(self) -> dict[str, object]:
        """Return what the function is called with: the values of the run's parameters, else what the call gave."""
        found = {one.name: restore(one) for one in self._backend.call(GetParameters(task=self.id))}
        return {name: found[name] if name in self._parameters else value for name, value in self._values.items()}

    def _around(self, started: Started, *, on_queues: bool) -> Around:
        artifacts = self._backend.call(ListArtifacts(task=self.id))
        return Around(
            pipeline=self,
            run=self.id,
            definition=started.definition,
            backend=self._backend,
            node=self._node,
            before={one.name: one for one in artifacts} if started.goes_on else {},
            on_queues=on_queues,
            serializer=self._serializer,
            deserializer=self._asked.given["artifact_deserialization_function"],
        )

    def _call_function(self, flow: Flow) -> Any:
        """Call the function, with the values of the run's parameters, and keep what it returns where that is asked."""
        with flow.active():
            returned = resolved(self._asked.function(**self._given()))
            name = self._asked.given["return_value"]
            if name is not None and returned is not None:
                self.upload_artifact(name, returned)
        return returned


def _carrier(started: Started) -> GrowingController | Inline:
    carrier = started.carrier
    assert isinstance(carrier, GrowingController | Inline)  # noqa: S101 - the definition grows
    return carrier


class Performance:
    """The function of a pipeline, and its run, as both go on.

    The function has this thread, where keyboard, debuggers and figures are; the run has one of its own.
    """

    def __init__(self, started: Started, flow: Flow) -> None:
        self._carrier = _carrier(started)
        self._around = flow.around
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._carry_out, name="penstock-run")

    def result(self, function: Callable[[], Any]) -> Any:
        """Call the function, and return what it returned once the run has ended.

        Raises:
            StepFailed: The run did not complete.
        """
        if isinstance(self._carrier, GrowingController):
            self._thread.start()
        try:
            returned = function()
            self._carrier.complete()
            self._wait()
        except KeyboardInterrupt:
            self._carrier.stop("interrupted from the keyboard")
            self._wait()
            raise
        except BaseException as error:
            self._carrier.complete(f"{type(error).__name__}: {error}".partition("\n")[0])
            self._wait()
            if self._error is not None and isinstance(error, StepFailed):
                raise self._error from None
            raise
        if self._error is not None:
            raise self._error
        ended = self._around.backend.call(GetRun(id=self._around.run)).run
        if ended.task.status is not Status.COMPLETED:
            said = f": {ended.task.message}" if ended.task.message else ""
            hint = f"see why: penstock explain {ended.id[:12]}"
            raise StepFailed(f"pipeline {ended.task.name!r} {ended.task.status}{said}", hint=hint)
        return returned

    def _carry_out(self) -> None:
        assert isinstance(self._carrier, GrowingController)  # noqa: S101 - only for one there is a thread
        try:
            self._carrier.run()
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits for it
            self._error = error

    def _wait(self) -> None:
        if self._thread.ident is not None:
            self._thread.join()


# Calls that are not, or not at once, a run


_calls: Counter[tuple[str, str]] = Counter()
_background: list[Future[Any]] = []


def _key(asked: Call) -> tuple[str, str]:
    return asked.given["project"], asked.given["name"]


def is_within_a_step() -> bool:
    """Return whether this process carries out a step that is a function: a pipeline called there is a plain call."""
    working = current.get()
    if working is None or not working.assigned:
        return False
    return session.backend().call(GetTask(id=working.task)).script.kind is ScriptKind.FUNCTION


def is_meant(asked: Call) -> bool:
    """Count the call, and return whether it is to be carried out: each run of several carries out its own call only."""
    _calls[_key(asked)] += 1
    way = launched.get()
    if way is None or not way.carries or not asked.given["multi_instance_support"]:
        return True
    run = way.draft or way.resume
    if run is None:
        return False
    number = session.backend().call(GetRun(id=run)).run.task.runtime.get(MULTI)
    return number is None or int(number) == _calls[_key(asked)]


def in_background(go: Callable[[], Any]) -> None:
    """Let a call go on in a thread of its own."""
    future: Future[Any] = Future()

    def perform() -> None:
        try:
            future.set_result(go())
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits for it
            future.set_exception(error)

    _background.append(future)
    threading.Thread(target=perform, name="penstock-pipeline").start()


def collect() -> list[Any]:
    """Wait for the calls that go on in threads of their own; return what they returned, in their order."""
    futures, _background[:] = list(_background), []
    errors = [one.exception() for one in futures]
    first = next((error for error in errors if error is not None), None)
    if first is not None:
        raise first
    return [one.result() for one in futures]
