"""`PipelineDecorator`: pipelines that are written as functions.

The function is plain Python: its loops and conditions decide, while the run goes on, which steps there are. Names,
arguments and defaults are those that ClearML's documentation made known; where its implementation differs from that,
this one does what is documented. A call of the function is carried out in `decorated`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, Literal, ParamSpec, TypedDict, TypeVar, Unpack, cast, overload

from penstock.sdk import components, flow
from penstock.sdk.decorated import Call, Decorated, collect, is_meant, is_within_a_step
from penstock.sdk.steps import Retry
from penstock.sdk.undecorated import MARK

if TYPE_CHECKING:
    from penstock.run.storage import Serializer

P = ParamSpec("P")
R = TypeVar("R")


class PipelineOptions(TypedDict, total=False):
    """The arguments of `pipeline` that may be left out, for type checkers."""

    version: str | None
    return_value: str | None
    default_queue: str | None
    pool_frequency: float
    add_pipeline_tags: bool
    target_project: str | bool | None
    abort_on_failure: bool
    pipeline_execution_queue: str | None
    multi_instance_support: bool | Literal["parallel"]
    add_run_number: bool
    args_map: Mapping[str, Iterable[str]] | None
    start_controller_locally: bool
    retry_on_failure: int | Retry | None
    docker: str | None
    docker_args: str | None
    docker_bash_setup_script: str | None
    packages: bool | str | Iterable[str] | None
    repo: str | None
    repo_branch: str | None
    repo_commit: str | None
    artifact_serialization_function: Serializer | None
    artifact_deserialization_function: Serializer | None
    output_uri: str | bool | None
    skip_global_imports: bool
    working_dir: str | None
    enable_local_imports: bool


class PipelineDecorator(Decorated):
    """A pipeline that is written as a function, with components as its steps.

    `@PipelineDecorator.component` makes a function a component, `@PipelineDecorator.pipeline` makes one a pipeline: a
    call of it is a run, whose parameters are the arguments of the call. `PipelineDecorator.run_locally()` before that
    call keeps all of it on this machine, `debug_pipeline()` in this process; without one of them the run goes into a
    queue. An object of this class is what callbacks are given, and `get_current_pipeline()` returns; beside what is
    described here it has all methods of PipelineController.
    """

    _place: ClassVar[Literal["agents", "here", "inline"]] = "agents"
    _queue_of_steps: ClassVar[str | None] = None

    component: ClassVar[components.MakesComponents] = cast("Any", staticmethod(components.component))

    @overload
    @classmethod
    def pipeline(
        cls, _func: Callable[P, R], *, name: str, project: str, **options: Unpack[PipelineOptions]
    ) -> Callable[P, R]: ...
    @overload
    @classmethod
    def pipeline(
        cls, _func: None = None, *, name: str, project: str, **options: Unpack[PipelineOptions]
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
    @classmethod
    def pipeline(
        cls,
        _func: Callable[..., Any] | None = None,
        *,
        name: str,
        project: str,
        version: str | None = None,
        return_value: str | None = None,
        default_queue: str | None = None,
        pool_frequency: float = 0.2,
        add_pipeline_tags: bool = False,
        target_project: str | bool | None = None,
        abort_on_failure: bool = False,
        pipeline_execution_queue: str | None = "services",
        multi_instance_support: bool | Literal["parallel"] = False,
        add_run_number: bool = True,
        args_map: Mapping[str, Iterable[str]] | None = None,
        start_controller_locally: bool = False,
        retry_on_failure: int | Retry | None = None,
        docker: str | None = None,
        docker_args: str | None = None,
        docker_bash_setup_script: str | None = None,
        packages: bool | str | Iterable[str] | None = None,
        repo: str | None = None,
        repo_branch: str | None = None,
        repo_commit: str | None = None,
        artifact_serialization_function: Serializer | None = None,
        artifact_deserialization_function: Serializer | None = None,
        output_uri: str | bool | None = None,
        skip_global_imports: bool = False,
        working_dir: str | None = None,
        enable_local_imports: bool = True,
    ) -> Any:
        """Make a function a pipeline: a call of it is a run, and returns what the function returns.

        The function is called once the run has begun, with the values of the run's parameters; when it has returned,
        the run waits for the steps that are left. When it raises, the run fails, what is left of it is stopped, and
        the call raises that too. Called by another pipeline's function it is a part of that run: its steps are steps
        there, with its name as their stage.

        Args:
            name, project: Name of the pipeline, and its project.
            return_value: The name under which what the function returns is stored as an artifact of the run.
            default_queue: The queue of the steps that name none.
            pipeline_execution_queue: The queue of the run; None carries it out in this process, with the steps on
                queues.
            start_controller_locally: Whether to do that too.
            multi_instance_support: With `parallel` the call returns None at once, and its run goes on in a thread of
                its own; `wait_for_multi_pipelines()` returns what they returned. With True the calls of a script that
                go into a queue become a run each, and the script goes on behind them.
            args_map: Other sections for parameters than `Args`: the names of the arguments, by section.
            retry_on_failure: For the components that do not say it themselves.
            version, pool_frequency, add_pipeline_tags, target_project, abort_on_failure, add_run_number, docker,
            docker_args, docker_bash_setup_script, packages, repo, repo_branch, repo_commit,
            artifact_serialization_function, artifact_deserialization_function, output_uri, skip_global_imports,
            working_dir, enable_local_imports: As in `PipelineController`.

        Raises:
            StepFailed: Of the call: the run did not complete.
        """
        given = dict(locals())
        del given["cls"], given["_func"]

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(function)
            def call(*arguments: Any, **named: Any) -> Any:
                return cls._call(Call(function, given, arguments, named))

            return call

        return decorate if _func is None else decorate(_func)

    @classmethod
    def _call(cls, asked: Call) -> Any:
        """Carry out the call of a pipeline's function."""
        if flow.present() is not None:
            with flow.part_of(asked.defaults(asked.given["name"])):
                return asked.plain()
        if is_within_a_step():
            return asked.plain()
        if not is_meant(asked):
            return None
        queue = asked.given["default_queue"] or cls._queue_of_steps
        return cls._perform(asked, queue, asked.place(cls._place))

    @classmethod
    def run_locally(cls) -> None:
        """Let the pipelines that are called from here on run on this machine, each step in a process of its own."""
        cls._place = "here"

    @classmethod
    def debug_pipeline(cls) -> None:
        """Let the pipelines that are called from here on run in this very process, one step after another.

        For a debugger. Runs are recorded, but nothing of what their steps return is stored; of callbacks only those
        are called that decide on retries.
        """
        cls._place = "inline"

    @classmethod
    def set_default_execution_queue(  # pyright: ignore[reportIncompatibleMethodOverride] - documented so
        cls, default_execution_queue: str | None
    ) -> None:
        """Set the queue of the steps that name none, for pipelines that have no `default_queue` of their own."""
        cls._queue_of_steps = default_execution_queue

    @classmethod
    def get_current_pipeline(cls) -> PipelineDecorator | None:
        """Return the pipeline whose function this thread carries out; None outside of one."""
        found = flow.present()
        pipeline = None if found is None else found.around.pipeline
        return pipeline if isinstance(pipeline, PipelineDecorator) else None

    @classmethod
    def wait_for_multi_pipelines(cls) -> list[Any]:
        """Wait for the calls that go on in threads of their own, and return what they returned, in their order.

        Raises:
            StepFailed: A run did not complete; all of them have ended.
        """
        return collect()


setattr(PipelineDecorator.pipeline.__func__, MARK, True)  # type: ignore[attr-defined]
