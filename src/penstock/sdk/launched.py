"""What a command that runs somebody's script tells the pipelines in it, and learns from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.run.announcer import Observer
    from penstock.run.process import Starter


class Launched:
    """A script that is run by a command.

    Args:
        parameters: Values for pipeline parameters, as texts, that replace the script's own.
        observer: Watches the runs; None leaves the display to the settings.
        resume: The run that goes on instead of a new one of its pipeline; None for none.
        draft: The draft run that the script's pipeline carries out, instead of recording a new one; None for none.
        use_cache: Whether steps may be reused at all.
        starter: Makes what starts the attempts of all steps, also of those that name a queue; None for processes of
            this machine, or agents.
        carries: Whether this process is to carry the script's run out, also when its script calls `start()`.
        secrets: Which of these were not given on the command line.
        values: The values that the run which goes on has for its parameters, where its script has others.

    Attributes:
        used: The parameters that a pipeline of the script has.
        runs: Ids of the runs that the script started.
        left: Ids of the runs that the script left to others: in a queue, or as drafts.
    """

    def __init__(
        self,
        parameters: dict[str, str],
        observer: Observer | None = None,
        *,
        resume: str | None = None,
        draft: str | None = None,
        use_cache: bool = True,
        carries: bool = False,
        values: Mapping[str, object] | None = None,
        starter: Callable[[], Starter] | None = None,
        secrets: Collection[str] = (),
    ) -> None:
        self.parameters = parameters
        self.observer = observer
        self.resume = resume
        self.draft = draft
        self.use_cache = use_cache
        self.carries = carries
        self.values = values or {}
        self.starter = starter
        self.secrets = secrets
        self.used: set[str] = set()
        self.runs: list[str] = []
        self.left: list[str] = []


_launched: Launched | None = None


def get() -> Launched | None:
    """Return how the present script was launched; None when it was started by Python itself."""
    return _launched


def on_queues(*, wanted: bool) -> bool:
    """Return whether steps go to queues: as it is wanted, unless whoever runs the script starts all of them itself."""
    return wanted and (_launched is None or _launched.starter is None)


def put(launched: Launched | None) -> None:
    """Set how the present script was launched."""
    global _launched  # noqa: PLW0603 - this is the state that belongs to the process
    _launched = launched
