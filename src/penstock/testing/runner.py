"""Runs pipelines for tests: in this process, with fakes for steps that a test does not mean."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Self

from penstock.core.errors import Conflict, Invalid
from penstock.run import current
from penstock.run.scripts import run_file
from penstock.sdk import launched, recording, session
from penstock.sdk.launched import Launched
from penstock.sdk.pipeline import PipelineController
from penstock.testing.inline import Fake, Inline
from penstock.testing.results import Ran

Pipe = PipelineController | Callable[[], object] | str | Path


class Runner:
    """Runs pipelines in this process. Use it as a context manager; the fixture `penstock` does so.

    Steps run one after another, each from its recorded text, and everything is recorded in the home that the settings
    name. What starts a pipeline elsewhere, `start()` or a queue, runs it here as well.
    """

    def __init__(self) -> None:
        self._fakes: dict[str, Fake] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if (own := recording.get()) is not None:
            own.close()
        current.put(None)
        launched.put(None)
        session.close()

    def fake(self, step: str, **values: object) -> None:
        """Let a step leave these values, by the names that it returns them under, instead of running its code."""
        self._fakes[step] = Fake(values=values)

    def fail(self, step: str, error: BaseException | None = None, times: int | None = None) -> None:
        """Let a step raise an error, instead of running its code.

        Args:
            error: What it raises; a RuntimeError when there is none.
            times: Only so many attempts, then its own code runs; None for all.
        """
        self._fakes[step] = Fake(error=error or RuntimeError(f"step {step!r} was told to fail"), times=times)

    def run(self, pipeline: Pipe, *arguments: str, parameters: dict[str, object] | None = None) -> Ran:
        """Run a pipeline to its end and return the run. A step that fails raises nothing here: look at the run.

        Args:
            pipeline: A PipelineController; or a function that makes and starts one; or the path of a script that does.
            arguments: Of a script, what is in its `sys.argv` behind its name.
            parameters: Values of the pipeline's parameters, in the place of their defaults.

        Raises:
            Conflict: What was run started no pipeline.
            Invalid: A fake is of a step that the pipeline does not have.
        """
        order: list[str] = []
        told = Launched(
            {name: _text(value) for name, value in (parameters or {}).items()},
            carries=True,
            starter=lambda: Inline(session.backend(), self._fakes, order),
        )
        launched.put(told)
        try:
            _start(pipeline, arguments, parameters or {})
        finally:
            launched.put(None)
        if not told.runs:
            raise Conflict("what was run started no pipeline", hint="call start_locally() or start() in it")
        ran = Ran(session.backend(), told.runs[-1], order)
        if unknown := [step for step in self._fakes if step not in ran]:
            raise Invalid(f"there is a fake for step {unknown[0]!r}, and no such step", hint=f"steps: {', '.join(ran)}")
        return ran


def _text(value: object) -> str:
    """Return a value as a command would be given it."""
    return value if isinstance(value, str) else json.dumps(value)


def _start(pipeline: Pipe, arguments: Sequence[str], parameters: dict[str, object]) -> None:
    if isinstance(pipeline, PipelineController):
        if parameters:
            pipeline.set_parameters(parameters)
        pipeline.start_locally(run_pipeline_steps_locally=True)
    elif callable(pipeline):
        pipeline()
    else:
        _run_script(Path(pipeline).absolute(), arguments)


def _run_script(file: Path, arguments: Sequence[str]) -> None:
    main: ModuleType = sys.modules["__main__"]
    before, path = sys.argv, list(sys.path)
    sys.argv = [str(file), *arguments]
    sys.path.insert(0, str(file.parent))
    try:
        run_file(file)
    except SystemExit as leaving:
        if leaving.code not in {None, 0}:
            raise
    finally:
        sys.modules["__main__"], sys.argv, sys.path[:] = main, before, path
