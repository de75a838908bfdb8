"""Who may ask for which operation: one row an operation. An operation without a row is refused, and fails the tests.

    read(...)    needs a key with scope read      run(...)     carries work out and records it
    write(...)   changes what others rely on      admin(...)   administrates the server
    open_to_all()   for those who have yet to say who they are

What stands in the row are places: where in the operation it says what it is about. A key that is for some projects is
refused unless all that these name lies in them; `lists` says that the answer itself is limited to them.

    step=       what the process of a step may write: to its own task and run (OWN), a model of no task (FREE), a model
                that a step of its run made (RUN). The first place says whose it is. What only reads is open to them.
    held=       whether an attempt may ask for it that shows what it is held under: about its task and, of a controller,
                about what it leads and makes. So they may with most of `run`
    agent=      whether an agent may ask for it, from the queues it is for
    audited=    whether a row of the audit log tells of it. Reports are not: they come by the thousand, and are
                themselves the record.

`core.policy` reads this table and decides.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from msgspec import Struct

from penstock.core.access import Scope


class Thing(Enum):
    """What a place names."""

    TASK = auto()  # the id of a task or of a run
    MODEL = auto()
    PROJECT = auto()
    QUEUE = auto()
    USER = auto()
    OWNER = auto()  # the user whose keys it is about; None stands for everybody's
    KEY = auto()


class Role(Enum):
    """What an operation that writes does about a task that it names."""

    CHANGED = auto()
    MADE = auto()  # unless it is there already
    REMOVED = auto()  # an attempt removes what it made, and not itself
    SOURCE = auto()  # it is only read


class Place(Struct, frozen=True):
    """Where an operation says what it is about.

    Args:
        thing: What stands there.
        path: The field, as in `task.project`; it may hold one, several, or none.
        unless: A field that, when it says something, makes up for nothing here.
        role: What becomes of it there.
    """

    thing: Thing
    path: str
    unless: str = ""
    role: Role = Role.CHANGED


class Reach(Enum):
    """How far the process of a step may write with an operation."""

    NOT = auto()
    OWN = auto()
    FREE = auto()
    RUN = auto()


class Rule(Struct, frozen=True, kw_only=True):
    """What an operation needs.

    Args:
        scope: The scope that a user's key must have; None when nobody has to say who they are.
        places: What it is about.
        step: How far the process of a step may write with it.
        held: Whether an attempt that is held may ask for it, about itself and what it leads.
        agent: Whether agents may ask for it.
        lists: Whether its answer can be limited to projects.
        anywhere: Whether it tells nothing about any project.
        grants: Whether it gives rights away: not more than who asks has.
        audited: Whether the audit log tells of it.
    """

    scope: Scope | None
    places: tuple[Place, ...] = ()
    step: Reach = Reach.NOT
    held: bool = False
    agent: bool = False
    lists: bool = False
    anywhere: bool = False
    grants: bool = False
    audited: bool = True


def read(*places: Place, **more: Any) -> Rule:
    return Rule(scope=Scope.READ, places=places, **more)


def run(*places: Place, **more: Any) -> Rule:
    names_task = any(one.thing is Thing.TASK for one in places)
    return Rule(scope=Scope.RUN, places=places, held=more.pop("held", names_task), **more)


def write(*places: Place, **more: Any) -> Rule:
    return Rule(scope=Scope.WRITE, places=places, **more)


def admin(*places: Place, **more: Any) -> Rule:
    return Rule(scope=Scope.ADMIN, places=places, **more)


def open_to_all(*places: Place, **more: Any) -> Rule:
    return Rule(scope=None, places=places, **more)


def task(path: str) -> Place:
    return Place(Thing.TASK, path)


def made(path: str) -> Place:
    return Place(Thing.TASK, path, role=Role.MADE)


def removed(path: str) -> Place:
    return Place(Thing.TASK, path, role=Role.REMOVED)


def source(path: str) -> Place:
    return Place(Thing.TASK, path, role=Role.SOURCE)


def model(path: str) -> Place:
    return Place(Thing.MODEL, path)


def project(path: str, unless: str = "") -> Place:
    return Place(Thing.PROJECT, path, unless)


def queue(path: str) -> Place:
    return Place(Thing.QUEUE, path)


def user(path: str) -> Place:
    return Place(Thing.USER, path)


OWN, FREE, RUN = Reach.OWN, Reach.FREE, Reach.RUN

_NEW_TASK = (made("task.id"), project("task.project"))  # one of this id may exist already, and somewhere else

RULES: dict[str, Rule] = {
    # tasks
    "CreateTask": run(*_NEW_TASK),
    "GetTask": read(task("id")),
    "AwaitTask": read(task("id")),
    "ListTasks": read(task("run"), lists=True),
    "EndTask": run(task("id")),
    "JudgeTask": run(task("id")),
    "DescribeTask": run(task("id"), project("project"), step=OWN),
    "SetParameters": run(task("task"), step=OWN),
    "RemoveParameters": run(task("task"), step=OWN),
    "GetParameters": read(task("task")),
    "SetConfiguration": run(task("task"), step=OWN),
    "GetConfigurations": read(task("task")),
    "ListProjects": read(lists=True),
    "OpenSecrets": run(task("task")),
    # tasks that belong to no run
    "BeginTask": run(task("id")),
    "ContinueTask": run(task("id")),
    "ResetTask": run(task("id")),
    "CloneTask": run(source("source"), made("clone.id"), project("clone.project")),
    "EnqueueTask": run(task("id"), queue("queue")),
    "DequeueTask": run(task("id")),
    "AbortTask": run(task("id")),
    "PublishTask": write(task("id")),
    "ArchiveTask": write(task("id")),
    "DeleteTask": write(removed("id"), held=True),
    # queues, and those who carry out what waits in them
    "ListQueues": read(anywhere=True, agent=True),
    "CreateQueue": admin(queue("name")),
    "ChangeQueue": admin(queue("name")),
    "DeleteQueue": admin(queue("name")),
    "ListEntries": read(queue("queue"), lists=True),
    "ListTagLimits": read(anywhere=True),
    "SetTagLimit": admin(),
    "RemoveTagLimit": admin(),
    "MoveEntry": run(task("task"), queue("queue"), held=False),
    "ClaimTask": run(queue("queues"), agent=True),
    "BeginClaimed": run(task("held.task"), agent=True),
    "RenewLease": run(task("held.task"), agent=True, audited=False),
    "HandBack": run(task("held.task"), agent=True),
    "ReleaseLease": run(task("held.task"), agent=True),
    "EndLeases": admin(task("tasks"), agent=True),
    "SpareLeases": admin(),
    "ListHeld": admin(agent=True),
    "ReportAgent": run(queue("agent.queues"), agent=True, audited=False),
    "ListAgents": read(anywhere=True, agent=True),
    "DrainAgent": admin(agent=True),
    "ForgetAgent": admin(agent=True),
    # runs
    "CreateRun": run(made("task.id"), project("project")),
    "DefineRun": run(task("id")),
    "CloneRun": run(source("source"), made("clone.id"), project("clone.project")),
    "StartRun": run(task("id")),
    "ResumeRun": run(task("id")),
    "RequeueRun": run(task("id"), queue("queue")),
    "PlanAction": read(task("id")),
    "EndRun": run(task("id")),
    "StopRun": run(task("id")),
    "SkipStep": run(task("run")),
    "AbortStep": run(task("run")),
    "ArchiveRun": write(task("id")),
    "DeleteRun": write(removed("id"), held=True),
    "GetRun": read(task("id")),
    "GetGraph": read(task("id")),
    "PlanRerun": read(task("source")),
    "DraftRerun": run(source("source"), made("id")),
    "GetRerun": read(task("run")),
    "GetLaunchForm": read(task("source"), project("project")),
    "LaunchRun": run(source("source"), made("id"), project("project"), queue("queue")),
    "FindRun": read(lists=True),
    "ListRuns": read(lists=True),
    "SearchRuns": read(lists=True),
    "ListPipelines": read(lists=True),
    "GetGrid": read(project("project")),
    "CompareRuns": read(task("ids")),
    "ListFailures": read(lists=True),
    "SearchTasks": read(lists=True),
    # steps of runs
    "DraftStep": run(task("run"), *_NEW_TASK),
    "LaunchStep": run(task("run"), *_NEW_TASK),
    "EnqueueStep": run(task("run"), *_NEW_TASK, queue("task.queue")),
    "ReuseStep": run(task("run"), source("source"), *_NEW_TASK),
    "AddStep": run(task("run")),
    "DecideSteps": run(task("run")),
    "TakeOver": run(task("task")),
    "GetStep": read(task("run")),
    "RecordDecision": run(task("run")),
    "ListDecisions": read(task("run")),
    "ListExecutions": read(task("task"), lists=True),
    "ListStored": read(task("task")),
    # what tasks leave behind
    "AddArtifact": run(task("artifact.task"), step=OWN),
    "GetArtifact": read(task("task")),
    "ListArtifacts": read(task("task")),
    "GetOutputs": read(task("task")),
    "ListRecords": read(task("tasks")),
    "AppendConsole": run(task("task"), step=OWN, audited=False),
    "ReadConsole": read(task("task")),
    "SearchConsole": read(task("task")),
    "LastLines": read(task("tasks")),
    "ReportScalars": run(task("task"), step=OWN, audited=False),
    "GetScalars": read(task("task")),
    "SummarizeScalars": read(task("task")),
    "ReportPlots": run(task("task"), step=OWN, audited=False),
    "ListPlots": read(task("task")),
    # models
    "AddModel": run(task("model.task"), model("model.id"), project("model.project", unless="model.task"), step=FREE),
    "GetModel": read(model("id")),
    "ListModels": read(task("task")),
    "FindModels": read(lists=True),
    "ChangeModel": run(task("task"), model("id"), step=RUN),
    "PublishModel": write(task("task"), model("id"), step=RUN, held=True),
    "ArchiveModel": write(task("task"), model("id"), step=RUN, held=True),
    "LinkModel": run(task("task"), model("model"), step=OWN),
    "DeleteModel": write(model("id")),
    # the change feed, and the store
    "ListChanges": read(task("run"), lists=True),
    "FollowRun": read(task("run")),
    "LastChange": read(anywhere=True),
    "CheckHealth": admin(),
    # who may do what
    "AddUser": admin(user("name")),
    "ListUsers": admin(),
    "ChangeUser": admin(user("name")),
    "RemoveUser": admin(user("name")),
    "AddKey": read(Place(Thing.OWNER, "owner"), grants=True),
    "ListKeys": read(Place(Thing.OWNER, "owner")),
    "RevokeKey": read(Place(Thing.KEY, "id")),
    "ChangePassword": read(Place(Thing.OWNER, "name")),
    "LogIn": open_to_all(user("name")),
    "LogOut": open_to_all(),
    "Authenticate": open_to_all(audited=False),
    "ListAudit": admin(),
    "CheckAudit": admin(),
}
