"""`Task` as users meet it, put together from its sides: one file for each.

record      what it is: id, name, project, tags, comment
requests    what it is asked to do: parameters, configurations, code, packages, container
outputs     what it left: artifacts, models, scalars, plots, console
status      where it stands, and what its owner says about that
finding     how tasks are found and copied
making      how drafts are made from scripts that have not run
process     what a script says of its process: credentials, seed, objects that are stored at its end
main        the task of this process: `Task.init`, `Task.current_task`, `connect`, `execute_remotely`
"""

from __future__ import annotations

from penstock.sdk.absent import NotTask
from penstock.sdk.task.finding import Findable
from penstock.sdk.task.main import Main
from penstock.sdk.task.outputs import Outputs
from penstock.sdk.task.process import Process
from penstock.sdk.task.requests import Requests
from penstock.sdk.task.status import Standing

__all__ = ["Task"]


class Task(Main, Process, Findable, Requests, Outputs, Standing, NotTask):
    """One recorded unit of work.

    A script becomes one with `Task.init(...)`; get another with `Task.get_task(...)`, and a run's with `pipe.task`.
    """
