"""`PipelineDecorator.component`: makes a function one whose calls are steps, where a pipeline's function calls it.

Anywhere else - in a test, in a notebook, in another step - the call is what it would be without the decorator. Names,
arguments and defaults are those that ClearML's documentation made known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypedDict, TypeVar, Unpack, overload

from penstock.core.errors import NotStandalone
from penstock.core.pipeline import script_key
from penstock.core.task import Script
from penstock.sdk import flow
from penstock.sdk.flow import Component
from penstock.sdk.steps import Function, Retry
from penstock.sdk.undecorated import MARK

P = ParamSpec("P")
R = TypeVar("R")


class ComponentOptions(TypedDict, total=False):
    """The arguments of `component`, for type checkers."""

    return_values: str | Iterable[str] | None
    name: str | None
    cache: bool
    packages: bool | str | Iterable[str] | None
    parents: Iterable[str] | None
    execution_queue: str | None
    continue_on_fail: bool
    docker: str | None
    docker_args: str | None
    docker_bash_setup_script: str | None
    task_type: str | None
    auto_connect_frameworks: Mapping[str, object] | bool | None
    auto_connect_arg_parser: Mapping[str, object] | bool | None
    repo: str | None
    repo_branch: str | None
    repo_commit: str | None
    helper_functions: Iterable[Function] | None
    monitor_metrics: Iterable[object] | None
    monitor_artifacts: Iterable[object] | None
    monitor_models: Iterable[object] | None
    retry_on_failure: int | Retry | None
    pre_execute_callback: Callable[..., object] | None
    post_execute_callback: Callable[..., object] | None
    status_change_callback: Callable[..., object] | None
    tags: Iterable[str] | str | None
    output_uri: str | bool | None
    draft: bool
    working_dir: str | None
    continue_behaviour: Mapping[str, bool] | None
    stage: str | None
    time_limit: float | None


class MakesComponents(Protocol):
    """What `component` is to type checkers: a component has the signature of its function, and returns what it does."""

    @overload
    def __call__(self, _func: Callable[P, R], **options: Unpack[ComponentOptions]) -> Callable[P, R]: ...
    @overload
    def __call__(
        self, _func: None = None, **options: Unpack[ComponentOptions]
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def component(
    _func: Callable[..., Any] | None = None,
    *,
    return_values: str | Iterable[str] | None = ("return_object",),
    name: str | None = None,
    cache: bool = False,
    packages: bool | str | Iterable[str] | None = None,
    parents: Iterable[str] | None = None,
    execution_queue: str | None = None,
    continue_on_fail: bool = False,
    docker: str | None = None,
    docker_args: str | None = None,
    docker_bash_setup_script: str | None = None,
    task_type: str | None = None,
    auto_connect_frameworks: Mapping[str, object] | bool | None = None,
    auto_connect_arg_parser: Mapping[str, object] | bool | None = None,
    repo: str | None = None,
    repo_branch: str | None = None,
    repo_commit: str | None = None,
    helper_functions: Iterable[Function] | None = None,
    monitor_metrics: Iterable[object] | None = None,
    monitor_artifacts: Iterable[object] | None = None,
    monitor_models: Iterable[object] | None = None,
    retry_on_failure: int | Retry | None = None,
    pre_execute_callback: Callable[..., object] | None = None,
    post_execute_callback: Callable[..., object] | None = None,
    status_change_callback: Callable[..., object] | None = None,
    tags: Iterable[str] | str | None = None,
    output_uri: str | bool | None = None,
    draft: bool = False,
    working_dir: str | None = None,
    continue_behaviour: Mapping[str, bool] | None = None,
    stage: str | None = None,
    time_limit: float | None = None,
) -> Any:
    """Make a function a component: called by a pipeline's function it is a step, and returns at once.

    What it returns there stands for the value. It can be given to other components, which makes their steps wait for
    this one and nothing else; whoever uses it in any other way - prints, compares, iterates it - waits for it. Calls
    that need nothing of each other run side by side. The second call of a component is a step called `name_1`.
    Anywhere but in a pipeline's function, the call is that of the plain function.

    Args:
        return_values: Names for what it returns: one takes the whole value, several take one item each, and the call
            returns a tuple of as many.
        name: What its steps are called; the name of the function when there is none.
        cache: Whether an earlier execution with the same code, arguments, inputs and packages stands for a step.
        parents: Names of steps to wait for, besides those whose values it is given.
        retry_on_failure: How often a step is tried again when it fails, or a function
            `(pipeline, node, retries) -> bool`.
        continue_on_fail: Whether the run may still complete when a step fails; its value is None then, and steps that
            are given it are skipped.
        packages, execution_queue, docker, docker_args, docker_bash_setup_script, task_type, auto_connect_frameworks,
        auto_connect_arg_parser, repo, repo_branch, repo_commit, helper_functions, monitor_metrics, monitor_artifacts,
        monitor_models, pre_execute_callback, post_execute_callback, status_change_callback, tags, output_uri, draft,
        working_dir, continue_behaviour, stage, time_limit: As in `PipelineController.add_function_step`.
    """
    options = dict(locals())
    del options["_func"], options["name"]
    options["function_return"] = options.pop("return_values")
    options["cache_executed_step"] = options.pop("cache")
    options |= {"project_name": None, "task_name": None}

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*given: Any, **named: Any) -> Any:
            going_on = flow.present()
            return function(*given, **named) if going_on is None else going_on.call(made, given, named)

        made = Component(name or function.__name__, call, options)
        _made[function.__module__, function.__qualname__] = made
        return call

    return decorate if _func is None else decorate(_func)


setattr(component, MARK, True)
_made: dict[tuple[str, str], Component] = {}  # those of notebooks are made again and again


def scripts(*, skip_global_imports: bool) -> Iterator[tuple[str, Script]]:
    """Yield what the components of this process run, under the keys that a definition gives it: to be imported early.

    One that cannot be a task of its own is left out; its first call says why.
    """
    for one in list(_made.values()):
        with suppress(NotStandalone):
            source = one.source(skip_global_imports=skip_global_imports)
            script = Script(source=source.source, entry_point=source.name, modules=source.modules)
            yield script_key(script), script
