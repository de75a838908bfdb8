"""One suite for every way to the service: the same answers, and the same errors, whatever lies in between.

A way that joins later is one more entry in `WAYS`.
"""

from __future__ import annotations

import math
import shutil
import socket
import threading
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from penstock.backend import connect
from penstock.backend.local import open_local
from penstock.core.access import Kind, Scope
from penstock.core.assignment import Assignment, Resolved
from penstock.core.cachekey import Input, KeyParts
from penstock.core.code import Code
from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import (
    BadParameter,
    BadPipeline,
    BadTransition,
    Conflict,
    Forbidden,
    Invalid,
    LeaseLost,
    NotFound,
    PenstockError,
    Unauthenticated,
)
from penstock.core.lease import Held
from penstock.core.monitor import Monitors, Named
from penstock.core.outputs import Artifact, ConsoleLine, Model, Plot, ScalarPoint, Stream, TableHead
from penstock.core.pipeline import Argument, Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.run import attempt_id
from penstock.core.search import Compare, Condition, Fact, MetricColumn, ParameterColumn, Side, Sort
from penstock.core.secret import Secret
from penstock.core.task import Configuration, EndReason, Parameter, Script, Status, Worker
from penstock.ops.access import AddKey, AddUser, Authenticate, ChangeUser, ListKeys, ListUsers, RemoveUser, RevokeKey
from penstock.ops.actions import Action, PlanAction, RequeueRun
from penstock.ops.agents import Agent, DrainAgent, ForgetAgent, ListAgents, ReportAgent
from penstock.ops.audit import CheckAudit, ListAudit
from penstock.ops.base import REGISTRY, Op
from penstock.ops.changes import FollowRun, LastChange, ListChanges
from penstock.ops.claims import (
    BeginClaimed,
    ClaimTask,
    EndLeases,
    HandBack,
    ListHeld,
    ReleaseLease,
    RenewLease,
    SpareLeases,
)
from penstock.ops.comparison import CompareRuns, GetGrid
from penstock.ops.console import ConsolePlace, SearchConsole
from penstock.ops.decisions import ListDecisions, RecordDecision
from penstock.ops.executions import Keyed, ListExecutions, ListStored, ReuseStep
from penstock.ops.graphs import GetGraph
from penstock.ops.growth import AddStep
from penstock.ops.health import CheckHealth
from penstock.ops.launches import GetLaunchForm, LaunchRun
from penstock.ops.lifecycle import (
    ArchiveTask,
    BeginTask,
    CloneTask,
    ContinueTask,
    Copied,
    DeleteTask,
    DequeueTask,
    EnqueueTask,
    PublishTask,
    ResetTask,
)
from penstock.ops.models import (
    AddModel,
    ArchiveModel,
    ChangeModel,
    DeleteModel,
    FindModels,
    GetModel,
    LinkModel,
    ListModels,
    PublishModel,
    Weights,
)
from penstock.ops.outputs import (
    AddArtifact,
    AppendConsole,
    GetArtifact,
    GetOutputs,
    GetScalars,
    LastLines,
    ListArtifacts,
    ListPlots,
    ListRecords,
    NewPoints,
    ReadConsole,
    RecordKind,
    ReportPlots,
    ReportScalars,
    SummarizeScalars,
)
from penstock.ops.pipelines import ListFailures, ListPipelines
from penstock.ops.queues import (
    ChangeQueue,
    CreateQueue,
    DeleteQueue,
    ListEntries,
    ListQueues,
    MoveEntry,
)
from penstock.ops.reruns import DraftRerun, GetRerun, PlanRerun
from penstock.ops.runs import (
    ArchiveRun,
    CloneRun,
    CreateRun,
    DefineRun,
    DeleteRun,
    EndRun,
    FindRun,
    GetRun,
    ListRuns,
    ResumeRun,
    StartRun,
    StopRun,
)
from penstock.ops.search import SearchRuns, SearchTasks
from penstock.ops.secrets import OpenSecrets
from penstock.ops.steering import AbortStep, AbortTask, SkipStep
from penstock.ops.steps import DecideSteps, DraftStep, EnqueueStep, GetStep, LaunchStep, StepDecision, TakeOver
from penstock.ops.tag_limits import ListTagLimits, RemoveTagLimit, SetTagLimit
from penstock.ops.tasks import (
    AwaitTask,
    CreateTask,
    DescribeTask,
    EndTask,
    GetConfigurations,
    GetParameters,
    GetTask,
    JudgeTask,
    ListProjects,
    ListTasks,
    NewTask,
    RemoveParameters,
    SetConfiguration,
    SetParameters,
)
from penstock.run.attempt import Request, decode_from_step
from penstock.run.channel import Channel
from penstock.run.serve import serve
from penstock.run.wire import receive_frame, send_frame
from penstock.server.serve import Serving
from penstock.server.thread import serving
from penstock.settings import Settings

RUN, DRAFT, TASK, OTHER, NOBODY, MADE, DONE, CLAIMED, WAITING, OVER, ANEW, BROKEN = (one * 32 for one in "1236f789bcad")
STEP, ENDED_STEP = attempt_id(RUN, "a", 1), attempt_id(OTHER, "a", 1)
ADMIN, OTHER_USER = "ada", "bob"
WORKER = Worker(host="here", pid=1, started="2", boot="3")
HASH = "0" * 64
LONG = 100_000.0  # seconds that no test takes
ODD = ["é\n\u2028\U0001f600", "", 0.1, -0.0, 2**63 - 1, -(2**63), None, True, [[], {"": None}], {"a": [1, "b"]}]
PARTS = KeyParts(code=Code("d" * 64, {"work": "function:1"}), arguments={"é": "1"}, inputs={"x": Input(HASH)})
KEYED = Keyed(key="e" * 64, parts=PARTS)
DECISION = Decision(kind=DecisionKind.EXECUTE, reason="é", step="a", attempt=1, details=("b", "c"), related=HASH)
DEFINITION = Pipeline(
    name="flow",
    project="P",
    grows=True,
    steps=(
        Step(name="a", code="c", arguments={str(n): Argument(value=one) for n, one in enumerate(ODD)}),
        Step(name="b", code="c", parents=("a",), time_limit=1.5, monitor_metrics=(["t", "s"],)),
    ),
    code={"c": Script(source="def work(): pass", entry_point="work", packages=("x",))},
    parameters=(Parameter(section="Args", name="rate", value=0.1, type="float", description="é"),),
)


@contextmanager
def in_this_process(home):
    backend = connect(home)
    yield backend
    backend.close()


@contextmanager
def over_the_channel_of_a_step(home):
    """What a step asks, asked over a socket and carried out by its launcher, here in a thread."""
    backend = connect(home)
    here, there = socket.socketpair()
    task = backend.call(GetTask(id=STEP))

    def launcher():
        with there:
            try:
                while isinstance(said := decode_from_step(receive_frame(there)), Request):
                    send_frame(there, serve(backend, task, said))
            except EOFError:
                return

    serving = threading.Thread(target=launcher)
    serving.start()
    channel = Channel(here, backend.blobs)
    yield channel
    channel.close()
    serving.join()
    backend.close()


@contextmanager
def over_http(home):
    """A server in a thread, on a real socket, and the client that users get by PENSTOCK_URL."""
    own = open_local(home)
    with serving(own, Serving(home=home.home, port=0)) as address:
        backend = connect(replace(home, url=address.url))
        try:
            yield backend
        finally:
            backend.close()
    own.close()


WAYS = {
    "sqlite": in_this_process,
    "channel": over_the_channel_of_a_step,
    "http": over_http,
    "postgres": in_this_process,
    "postgres_http": over_http,
}
ON_POSTGRES = {"postgres", "postgres_http"}  # the others are on the SQLite file of the home

RUNS = (
    ArchiveRun | CloneRun | CreateRun | DefineRun | EndRun | LaunchRun | RequeueRun | StartRun | StopRun
)  # what these return is a run
NOT_THE_RECORD = (  # what these return
    AddKey | AddStep | DeleteModel | DeleteRun | DraftRerun | DeleteTask | EndLeases | RemoveParameters | ResetTask
)

# What a step may not do, on its channel and nowhere else.
RESERVED = {
    "channel": {
        *(CreateTask, EndTask, JudgeTask, RecordDecision),
        *(ArchiveTask, BeginTask, CloneTask, ContinueTask, DeleteTask),
        *(DequeueTask, EnqueueTask, PublishTask, ResetTask),
        *(CreateRun, StartRun, EndRun, StopRun, ResumeRun, ArchiveRun, DeleteRun, CloneRun, DefineRun, DraftRerun),
        LaunchRun,
        RequeueRun,
        OpenSecrets,
        *(SkipStep, AbortStep, AbortTask),
        *(AddStep, DraftStep, EnqueueStep, LaunchStep, DecideSteps, ReuseStep, TakeOver, DeleteModel),
        *(
            SetTagLimit,
            RemoveTagLimit,
            ChangeQueue,
            CreateQueue,
            DeleteQueue,
            MoveEntry,
            DrainAgent,
            ForgetAgent,
            ReportAgent,
        ),
        *(BeginClaimed, ClaimTask, EndLeases, HandBack, ReleaseLease, RenewLease, SpareLeases),
        *(AddUser, ChangeUser, RemoveUser, AddKey, RevokeKey),
    }
}


@pytest.fixture(params=list(WAYS))
def name_of_way(request):
    return request.param


@pytest.fixture
def home(request, tmp_path):
    named = request.getfixturevalue("name_of_way") if "way" in request.fixturenames else "sqlite"
    url = request.getfixturevalue("postgres_url") if named in ON_POSTGRES else None
    return Settings(home=tmp_path / "home", workers=1, database_url=url)


def record(backend):
    """Record a run and its first step, one whose step ended, and something of everything else."""
    for id, name in ((DRAFT, "draft"), (OTHER, "flow"), (RUN, "flow")):
        backend.call(CreateRun(pipeline=name, project="P", task=NewTask(id=id, name=name, project="")))
    for id in (OTHER, RUN):
        backend.call(StartRun(id=id, definition=DEFINITION, worker=WORKER))
        new = NewTask(id="", name="a", project="P")
        backend.call(LaunchStep(run=id, step="a", attempt=1, task=new, worker=WORKER, keyed=KEYED, decision=DECISION))
    backend.call(EndTask(id=ENDED_STEP, status=Status.COMPLETED, artifacts=(artifact(task=ENDED_STEP),)))
    ask = Decision(kind=DecisionKind.ASK, reason="", step="a", attempt=1, related=ENDED_STEP)
    backend.call(RecordDecision(run=OTHER, decision=ask))
    backend.call(CreateTask(task=NewTask(id=TASK, name="other", project="Q")))
    backend.call(CreateTask(task=NewTask(id=DONE, name="done", project="Q")))
    backend.call(BeginTask(id=DONE, worker=WORKER))
    backend.call(EndTask(id=DONE, status=Status.COMPLETED))
    backend.call(AddModel(model=model(id=MADE)))
    backend.call(SetTagLimit(tag="gpu", limit=1))
    for id in (CLAIMED, WAITING):
        backend.call(CreateTask(task=NewTask(id=id, name="é", project="Q")))
        backend.call(EnqueueTask(id=id, queue="default", priority=1))
    backend.call(ReportAgent(agent=AGENT, seconds=LONG))
    for name in (ADMIN, OTHER_USER):
        backend.call(AddUser(name=name, scope=Scope.ADMIN, projects=() if name == ADMIN else ("é",)))
    backend.call(AddKey(owner=OTHER_USER, name="é"))
    backend.call(ClaimTask(agent=AGENT.name, queues=("default",), request="r", seconds=LONG))
    backend.call(CreateRun(pipeline="broken", project="P", task=NewTask(id=BROKEN, name="é", project="")))
    backend.call(StartRun(id=BROKEN, definition=DEFINITION, worker=WORKER))
    backend.call(EndRun(id=BROKEN, status=Status.FAILED, reason=EndReason.EXCEPTION, message="é\nmore"))
    script = Script(source="print('é')", entry_point="flow.py")
    backend.call(CreateRun(pipeline="flow", project="P", task=NewTask(id=OVER, name="flow", project="", script=script)))
    backend.call(StartRun(id=OVER, definition=DEFINITION, worker=WORKER))
    backend.call(EndRun(id=OVER, status=Status.STOPPED))
    backend.call(DraftRerun(id=ANEW, source=OVER, parameters={"rate": 0.5}, only="a"))


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """A home in which all of that is recorded; recording it takes longer than most of these tests."""
    home = tmp_path_factory.mktemp("recorded") / "home"
    backend = connect(Settings(home=home, workers=1))
    record(backend)
    backend.close()
    return home


@pytest.fixture
def owner(home, recorded):
    """The service in this process, with all of that in it."""
    if home.database_url is None:
        shutil.copytree(recorded, home.home)
    backend = connect(home)
    if home.database_url is not None:
        record(backend)
    yield backend
    backend.close()


@pytest.fixture
def way(name_of_way, home, owner):
    """The way under test, and its name."""
    with WAYS[name_of_way](home) as backend:
        yield name_of_way, backend


@pytest.fixture(scope="session")
def kept(request, tmp_path_factory):
    """Homes with all of that and something more, for tests that change nothing: `kept(on_postgres, more)`."""
    made = {}

    def kept(on_postgres, more):
        if (on_postgres, more) not in made:
            url = None
            if on_postgres:
                server, template = (request.getfixturevalue(f"postgres_{one}") for one in ("server", "template"))
                url = server.url(server.make(template))
            home = Settings(home=tmp_path_factory.mktemp("kept") / "home", workers=1, database_url=url)
            made[on_postgres, more] = home, connect(home)
            record(made[on_postgres, more][1])
            more(made[on_postgres, more][1])
        return made[on_postgres, more]

    yield kept
    for _, backend in made.values():
        backend.close()


@pytest.fixture
def readable(name_of_way, kept):
    """The way under test, where every operation that writes was carried out, and who owns what there is to read."""
    home, owner = kept(name_of_way in ON_POSTGRES, fill)
    with WAYS[name_of_way](home) as backend:
        yield backend, owner


@pytest.fixture
def closed(name_of_way, kept):
    """The way under test where nothing is done that it is asked for, its name, and who owns what is there."""
    home, owner = kept(name_of_way in ON_POSTGRES, add_artifact)
    before = owner.call(LastChange())
    with WAYS[name_of_way](home) as backend:
        yield name_of_way, backend, owner
    assert owner.call(LastChange()) == before


def artifact(name="x", task=STEP):
    facts = {"format": "json", "type": "int", "url": "file:///x", "preview": "é", "metadata": {"rows": "1"}}
    table = TableHead(("é", ""), ("int64", "str"), (("1", ""),))
    return Artifact(task=task, name=name, hash=HASH, size=1, created=1.5, table=table, **facts)


def model(id="5" * 32, task=STEP):
    return Model(
        id=id,
        task=task,
        project="Q",
        name="net",
        direction="output",
        url="s3://é",
        hash=HASH,
        size=1,
        tags=("t",),
        labels={"é": -(2**63)},
        metadata={"": "é"},
        created=2.0,
    )


def points(*values):
    return tuple(ScalarPoint(number, value, 1.0) for number, value in enumerate(values))


PARAMETERS = tuple(Parameter(section="kwargs", name=str(number), value=one) for number, one in enumerate(ODD))
LINES = tuple(ConsoleLine(1.0, stream, text) for stream, text in ((Stream.OUT, "é\t"), (Stream.ERR, "")))
FAR = (ScalarPoint(2**63, 1.0, 1.0),)
SERIES = (NewPoints(title="loss", series="train", points=points(1.0, math.inf, 0.25)),)
CHANGE = ChangeModel(
    id=MADE, task=STEP, comment="é", tags=("é",), labels={"a": 1}, metadata={"": "é"}, only_these=True, design="{}",
    weights=Weights(url="file:///é", hash=HASH, size=2**63 - 1, facts={"format": "file"}),
)  # fmt: skip
PLOTS = (Plot(title="t", series="s", kind="table", iteration=3, data="[]", at=4.0),)
AGENT = Agent(name="é", process=WORKER, queues=("default", "é"), workers=2, usage={"cpu": 0.5})
HELD = Held(CLAIMED, 1)
GIVEN = Assignment(
    arguments={"x": Argument(value=[math.nan, 2**63 - 1, None])},
    inputs={"data": Artifact(task=STEP, name="é", format="json", type="int", hash=HASH, size=1, url="é")},
    references={"${a.x}": Resolved(value=math.inf, text="inf")},
    returns=("é",),
    time_limit=0.5,
)
TO_QUEUE = NewTask(id="", name="b", project="P", queue="services")
RATE = ParameterColumn("Args", "rate")
DRAFT_TASK = NewTask(id="4" * 32, name="new", project="P", tags=("a", "b"), parameters=PARAMETERS)

# What writes, with what reads it back.
WRITES: list[tuple[Op, Op]] = [
    (CreateTask(task=DRAFT_TASK), GetTask(id="4" * 32)),
    (CreateRun(pipeline="new", project="P", task=DRAFT_TASK), GetRun(id="4" * 32)),
    (StartRun(id=DRAFT, definition=DEFINITION, worker=WORKER, version="2.0"), GetRun(id=DRAFT)),
    (
        LaunchStep(run=RUN, step="b", attempt=1, task=NewTask(id="", name="b", project="P"), worker=WORKER),
        GetTask(id=attempt_id(RUN, "b", 1)),
    ),
    (
        EnqueueStep(run=RUN, step="b", attempt=1, task=TO_QUEUE, assignment=GIVEN),
        GetTask(id=attempt_id(RUN, "b", 1)),
    ),
    (AddStep(run=RUN, step=Step(name="é", code=""), script=Script(source="é")), GetRun(id=RUN)),
    (
        DecideSteps(run=RUN, decisions=(StepDecision(step="b", status=StepStatus.SKIPPED, reason="é"),)),
        GetRun(id=RUN),
    ),
    (
        DraftStep(run=RUN, step="b", attempt=1, task=NewTask(id="", name="b", project="P")),
        GetTask(id=attempt_id(RUN, "b", 1)),
    ),
    (
        ReuseStep(run=RUN, step="b", attempt=1, task=DRAFT_TASK, source=ENDED_STEP, keyed=KEYED, decision=DECISION),
        GetTask(id=attempt_id(RUN, "b", 1)),
    ),
    (RecordDecision(run=RUN, decision=DECISION), ListDecisions(run=RUN)),
    (JudgeTask(id=ENDED_STEP, status=Status.FAILED, reason=EndReason.CALLBACK, message="é"), GetTask(id=ENDED_STEP)),
    (
        TakeOver(task=ENDED_STEP, wanted=Monitors(artifacts=(Named("x", "y"),))),
        ListArtifacts(task=OTHER),
    ),
    (RequeueRun(id=OVER, queue="default", reason="é"), GetRun(id=OVER)),
    (ResumeRun(id=OTHER, worker=WORKER, seen=WORKER), GetRun(id=OTHER)),
    (ArchiveRun(id=DRAFT), GetRun(id=DRAFT)),
    (StopRun(id=RUN, why="enough"), GetRun(id=RUN)),
    (SkipStep(run=RUN, step="b", by="é"), GetStep(run=RUN, step="b")),
    (AbortStep(run=RUN, step="a", by="é"), GetStep(run=RUN, step="a")),
    (AbortTask(id=CLAIMED, by="é"), GetTask(id=CLAIMED)),
    (DefineRun(id=DRAFT, definition=DEFINITION), GetRun(id=DRAFT)),
    (CloneRun(source=RUN, clone=Copied(id="4" * 32, name="é"), version="2.0"), GetRun(id="4" * 32)),
    (DraftRerun(id="4" * 32, source=OVER, parameters={"rate": "0.2"}, from_step="b"), GetRerun(run="4" * 32)),
    (LaunchRun(source=OVER, id="4" * 32, parameters={"rate": "0.2"}, tags=("é",), name="é"), GetRun(id="4" * 32)),
    (LaunchRun(pipeline="flow", project="P", id="4" * 32, from_step="b", cache=False), GetRun(id="4" * 32)),
    (EndTask(id=STEP, status=Status.FAILED, reason=EndReason.SIGNAL, message="é"), GetTask(id=STEP)),
    (EndRun(id=RUN, status=Status.STOPPED, reason=EndReason.ABORTED), GetRun(id=RUN)),
    (DeleteRun(id=DRAFT), ListRuns()),
    (DescribeTask(id=STEP, comment="é", add_tags=("a", "b")), GetTask(id=STEP)),
    (SetParameters(task=STEP, parameters=PARAMETERS), GetParameters(task=STEP)),
    (RemoveParameters(task=STEP, paths=("kwargs/0",)), GetParameters(task=STEP)),
    (BeginTask(id=TASK, worker=WORKER), GetTask(id=TASK)),
    (ContinueTask(id=DONE, worker=WORKER), GetTask(id=DONE)),
    (ResetTask(id=DONE), GetTask(id=DONE)),
    (CloneTask(source=STEP, clone=Copied(id="4" * 32, name="é")), GetTask(id="4" * 32)),
    (EnqueueTask(id=TASK, queue="services"), GetTask(id=TASK)),
    (DequeueTask(id=TASK), GetTask(id=TASK)),
    (CreateQueue(name="é", limit=2), ListQueues()),
    (ChangeQueue(name="services", paused=True, rename="ü"), ListQueues()),
    (DeleteQueue(name="services"), ListQueues()),
    (AddUser(name="eve", scope=Scope.READ, projects=("P/é",), password=Secret("0123456789é")), ListUsers()),
    (ChangeUser(name=OTHER_USER, scope=Scope.WRITE, projects=(), disabled=True), ListUsers()),
    (RemoveUser(name=OTHER_USER), ListUsers()),
    (AddKey(owner=ADMIN, name="é", kind=Kind.AGENT, queues=("default", "é"), lifetime=None), ListKeys(owner=ADMIN)),
    (SetTagLimit(tag="é", limit=2), ListTagLimits()),
    (RemoveTagLimit(tag="gpu"), ListTagLimits()),
    (MoveEntry(task=WAITING, place="first", queue="services"), ListEntries(queue="services")),
    (ReportAgent(agent=replace(AGENT, workers=3)), ListAgents()),
    (DrainAgent(name=AGENT.name), ListAgents()),
    (ForgetAgent(name=AGENT.name), ListAgents()),
    (ClaimTask(agent=AGENT.name, queues=("é", "default"), request="s"), ListHeld(agent=AGENT.name)),
    (BeginClaimed(held=HELD, worker=WORKER), GetTask(id=CLAIMED)),
    (RenewLease(held=HELD), ListHeld()),
    (HandBack(held=HELD), ListEntries(queue="default")),
    (ReleaseLease(held=HELD), ListHeld()),
    (EndLeases(tasks=(CLAIMED,)), GetTask(id=CLAIMED)),
    (SpareLeases(), ListHeld()),
    (PublishTask(id=DONE), GetTask(id=DONE)),
    (ArchiveTask(id=TASK), GetTask(id=TASK)),
    (DeleteTask(id=DONE), ListTasks()),
    (
        SetConfiguration(task=RUN, configuration=Configuration(name="net", text="{}", format="json")),
        GetConfigurations(task=RUN),
    ),
    (AddArtifact(artifact=artifact()), ListArtifacts(task=STEP)),
    (AddArtifact(artifact=artifact(task=RUN)), ListArtifacts(task=RUN)),
    (AddModel(model=model()), ListModels(task=STEP)),
    (AddModel(model=replace(model(id="c" * 32, task=""), direction=""), publish=True), GetModel(id="c" * 32)),
    (LinkModel(task=STEP, model=MADE, direction="input", name="é"), ListModels(task=STEP)),
    (LinkModel(task=RUN, model=MADE, direction="output"), ListModels(task=RUN)),
    (ArchiveModel(id=MADE, task=STEP), GetModel(id=MADE)),
    (CHANGE, GetModel(id=MADE)),
    (PublishModel(id=MADE, task=STEP), GetModel(id=MADE)),
    (DeleteModel(id=MADE), FindModels(archived=True)),
    (AppendConsole(task=STEP, lines=LINES), ReadConsole(task=RUN, whole_run=True)),
    (ReportScalars(task=STEP, series=SERIES), GetScalars(task=STEP)),
    (ReportPlots(task=STEP, plots=PLOTS), ListPlots(task=STEP)),
]
READS: list[Op] = [
    CheckHealth(),
    GetTask(id=STEP),
    GetTask(id=TASK),
    AwaitTask(id=DONE, wait=0.01),
    GetStep(run=RUN, step="a"),
    ListDecisions(run=RUN),
    ListExecutions(key=KEYED.key),
    ListExecutions(task=STEP),
    ListExecutions(project="P", pipeline="flow", step="a", limit=1),
    ListStored(task=ENDED_STEP),
    ListTasks(),
    ListTasks(run=RUN, statuses=(Status.IN_PROGRESS,)),
    ListTasks(pattern="^o", tags=("-x",), archived=False, alone=True),
    GetParameters(task=STEP),
    GetConfigurations(task=RUN),
    ListProjects(hidden=True),
    GetRun(id=RUN),
    GetRun(id=DRAFT),
    PlanRerun(source=OVER, parameters={"rate": 1}, from_step="b"),
    GetRerun(run=ANEW),
    PlanAction(id=RUN, action=Action.ABORT),
    PlanAction(id=RUN, action=Action.SKIP_STEP, step="b"),
    PlanAction(id=RUN, action=Action.ABORT_STEP, step="a"),
    PlanAction(id=BROKEN, action=Action.RERUN_FROM, step="b", parameters={"rate": "é"}),
    CompareRuns(ids=(RUN, BROKEN, OVER)),
    GetGrid(pipeline="flow", project="P", limit=2),
    GetGraph(id=RUN),
    GetGraph(id=ANEW),
    ListPipelines(limit=1),
    ListPipelines(text="FLOW", project="P", after=("draft", "P")),
    ListFailures(),
    GetLaunchForm(source=OVER),
    GetLaunchForm(pipeline="flow", project="P"),
    FindRun(text="last"),
    ListRuns(),
    SearchRuns(
        where=(
            Condition(Fact("status"), Compare.EQUAL, ("in_progress", "é")),
            Condition(RATE, Compare.OTHER, (None, 1.5)),
        ),
        sort=Sort(RATE, descending=True),
        columns=(RATE, MetricColumn("loss", "train", Side.MIN)),
        limit=1,
    ),
    SearchTasks(sort=Sort(Fact("name")), archived=False, brief=True),
    ListChanges(),
    ListChanges(run=RUN, after=1, limit=1, wait=0.01),
    FollowRun(run=RUN, after=1, limit=9, wait=0.01, linger=0.01, outputs=9),
    LastChange(),
    ListQueues(names=("default",)),
    ListEntries(queue="default"),
    ListTagLimits(),
    ListUsers(),
    ListKeys(),
    ListKeys(owner=OTHER_USER),
    CheckAudit(),
    ListHeld(),
    ListAgents(),
    GetArtifact(task=STEP, name="x"),
    ListArtifacts(task=STEP),
    GetOutputs(task=STEP),
    ListModels(task=STEP),
    GetModel(id=MADE),
    FindModels(archived=True, published=True, tags=("é", "-x"), metadata={"": "é"}, limit=1),
    ListPlots(task=STEP),
    ReadConsole(task=STEP),
    ReadConsole(task=RUN, whole_run=True, before=2**40, newest=True, limit=1),
    SearchConsole(task=RUN, text="É", whole_run=True, after=ConsolePlace(0, -1)),
    LastLines(tasks=(STEP, TASK)),
    ListRecords(tasks=(STEP, TASK, ENDED_STEP), kind=RecordKind.ARTIFACTS),
    ListRecords(tasks=(STEP, TASK, ENDED_STEP), kind=RecordKind.MODELS),
    ListRecords(tasks=(STEP, TASK, ENDED_STEP), kind=RecordKind.SCALARS),
    GetScalars(task=STEP),
    SummarizeScalars(task=STEP),
]
REFUSED: list[tuple[Op, type[PenstockError]]] = [
    (GetTask(id=NOBODY), NotFound),
    (GetTask(id="é\n"), NotFound),
    (GetRun(id=TASK), NotFound),
    (GetGraph(id=TASK), NotFound),
    (CompareRuns(ids=(RUN,)), Invalid),
    (GetGrid(pipeline="é", project="P", limit=0), Invalid),
    (PlanAction(id=TASK, action=Action.DELETE), NotFound),
    (RequeueRun(id=RUN), Conflict),
    (ListPipelines(limit=0), Invalid),
    (ListFailures(limit=201), Invalid),
    (GetArtifact(task=STEP, name="X"), NotFound),
    (GetModel(id=NOBODY), NotFound),
    (FindModels(tags=("__$nor", "x")), Invalid),
    (ChangeModel(id=MADE, task=RUN, name="x"), Conflict),
    (AddModel(model=model(id=MADE, task=RUN)), Conflict),
    (PublishModel(id=NOBODY, task=STEP), NotFound),
    (ArchiveModel(id=NOBODY, task=STEP), NotFound),
    (LinkModel(task=STEP, model=NOBODY, direction="input"), NotFound),
    (LinkModel(task=STEP, model=MADE, direction="é"), Invalid),
    (DeleteModel(id=NOBODY), NotFound),
    (FindRun(text="nothing"), NotFound),
    (CreateRun(pipeline="p", project="P", task=NewTask(id=TASK, name="p", project="")), Conflict),
    (StartRun(id=RUN, definition=DEFINITION, worker=WORKER), BadTransition),
    (StartRun(id=DRAFT, definition=DEFINITION, worker=WORKER, version="abc"), Invalid),
    (LaunchStep(run=DRAFT, step="a", attempt=1, task=DRAFT_TASK, worker=WORKER), Conflict),
    (AddStep(run=DRAFT, step=Step(name="é", code=""), script=Script()), Conflict),
    (AddStep(run=RUN, step=Step(name="é", code="", parents=("z",)), script=Script()), BadPipeline),
    (DecideSteps(run=RUN, decisions=(StepDecision(step="x", status=StepStatus.SKIPPED),)), NotFound),
    (EndTask(id=TASK, status=Status.COMPLETED), BadTransition),
    (EndRun(id=DRAFT, status=Status.COMPLETED), BadTransition),
    (StopRun(id=DRAFT), Conflict),
    (SkipStep(run=RUN, step="a"), Conflict),
    (SkipStep(run=RUN, step="z"), NotFound),
    (AbortStep(run=RUN, step="b"), Conflict),
    (AbortTask(id=STEP), Conflict),
    (AbortTask(id=DONE), BadTransition),
    (GetStep(run=RUN, step="z"), NotFound),
    (ListDecisions(run=NOBODY), NotFound),
    (ResumeRun(id=DRAFT, worker=WORKER, seen=None), Conflict),
    (ResumeRun(id=RUN, worker=WORKER, seen=None), Conflict),
    (ArchiveRun(id=RUN), Conflict),
    (PlanRerun(source=RUN), Conflict),
    (PlanRerun(source=OVER, parameters={"speed": 1}), BadParameter),
    (DraftRerun(id="4" * 32, source=OVER, only="c"), NotFound),
    (LaunchRun(source=OVER, parameters={"rate": "fast"}), BadParameter),
    (LaunchRun(source=OVER, queue="é"), NotFound),
    (LaunchRun(pipeline="flow"), Invalid),
    (GetLaunchForm(pipeline="é", project=""), NotFound),
    (JudgeTask(id=TASK, status=Status.FAILED), Conflict),
    (BeginTask(id=STEP, worker=WORKER), Conflict),
    (ResetTask(id=RUN), Conflict),
    (CloneTask(source=NOBODY, clone=Copied(id="4" * 32)), NotFound),
    (PublishTask(id=TASK), BadTransition),
    (ListTasks(pattern="("), Invalid),
    (SearchConsole(task=STEP, text=""), Invalid),
    (SearchRuns(after="é"), Invalid),
    (SearchTasks(where=(Condition(RATE, Compare.LESS, ("a", "b")),)), Invalid),
    (
        ReuseStep(run=RUN, step="b", attempt=1, task=DRAFT_TASK, source=STEP, keyed=KEYED, decision=DECISION),
        Conflict,
    ),
    (DeleteRun(id=RUN), Conflict),
    (EnqueueTask(id=TASK, queue="é"), NotFound),
    (CreateQueue(name="a\nb"), Invalid),
    (DeleteQueue(name="default"), Conflict),
    (AddUser(name=ADMIN), Conflict),
    (AddUser(name="é x"), Invalid),
    (AddUser(name="eve", password=Secret("short")), Invalid),
    (ChangeUser(name=ADMIN, scope=Scope.READ), Conflict),
    (RemoveUser(name=ADMIN), Conflict),
    (RemoveUser(name="nobody"), NotFound),
    (AddKey(owner="nobody"), NotFound),
    (RevokeKey(id="aaaaaaaa"), NotFound),
    (SetTagLimit(tag="é", limit=0), Invalid),
    (RemoveTagLimit(tag="é"), NotFound),
    (MoveEntry(task=TASK, place="first"), NotFound),
    (RenewLease(held=Held(CLAIMED, 2)), LeaseLost),
    (BeginClaimed(held=Held(TASK, 1), worker=WORKER), LeaseLost),
    (DrainAgent(name="x"), NotFound),
    (ReportAgent(agent=replace(AGENT, process=Worker(host="é", pid=2))), Conflict),
    (
        ReportScalars(task=STEP, series=(NewPoints(title="t", series="s", points=(ScalarPoint(2**63, 1.0, 1.0),)),)),
        Invalid,
    ),
]


def name_of(case):
    return type(case[0] if isinstance(case, tuple) else case).__name__


OF_DOORS = {"LogIn", "LogOut", "Authenticate", "ChangePassword"}
"""What lets people in: a server has doors of its own for these, in tests/server/test_login.py and test_app.py."""


IN_TESTS_OF_THEIR_OWN = {"RevokeKey", "ListAudit", "OpenSecrets"}


def test_the_suite_knows_every_operation():
    assert {name_of(case) for case in (*WRITES, *READS)} == set(REGISTRY) - OF_DOORS - IN_TESTS_OF_THEIR_OWN


def is_reserved(way, op):
    return type(op) in RESERVED.get(way, set())


@pytest.mark.parametrize(("op", "read"), WRITES, ids=map(name_of, WRITES))
def test_what_is_written_is_there_and_comes_back_as_it_was(way, owner, op, read):
    name, backend = way
    if is_reserved(name, op):
        before = owner.call(ListTasks()), owner.call(ListChanges())
        with pytest.raises(Forbidden, match=f"a step may not ask for {type(op).__name__}"):
            backend.call(op)
        assert (owner.call(ListTasks()), owner.call(ListChanges())) == before
        return
    returned = backend.call(op)
    found = owner.call(read)
    assert backend.call(read) == found
    told = getattr(found, "run", found) if isinstance(op, RUNS) else found
    if returned is not None and not isinstance(op, NOT_THE_RECORD):
        assert returned in told if isinstance(told, list) else returned == told


@pytest.mark.parametrize("op", READS, ids=map(name_of, READS))
def test_what_is_read_is_the_same_on_every_way(readable, op):
    backend, owner = readable
    expected, found = owner.call(op), backend.call(op)
    assert found == expected
    assert type(found) is type(expected)
    assert found or found == 0, "a suite that reads nothing proves nothing"


def fill(owner):
    for op, _ in WRITES:
        if not is_reserved("channel", op):
            owner.call(op)
    owner.call(SpareLeases(seconds=LONG))
    owner.call(ReportAgent(agent=AGENT, seconds=LONG))


def add_artifact(owner):
    owner.call(AddArtifact(artifact=artifact()))


@pytest.mark.parametrize(("op", "error"), REFUSED, ids=map(name_of, REFUSED))
def test_what_is_refused_is_refused_alike_on_every_way(closed, op, error):
    name, backend, owner = closed
    with pytest.raises(error) as expected:
        owner.call(op)
    if is_reserved(name, op):
        error = Forbidden
    with pytest.raises(error) as found:
        backend.call(op)
    if not is_reserved(name, op):
        assert type(found.value) is type(expected.value)
        assert (found.value.message, found.value.hint) == (expected.value.message, expected.value.hint)


@pytest.mark.parametrize("op", [DescribeTask(id=TASK), SetParameters(task=DRAFT, parameters=PARAMETERS),
                                AddArtifact(artifact=artifact(task=TASK)), AddModel(model=model(task=TASK)),
                                LinkModel(task=TASK, model=MADE, direction="input"), ChangeModel(id=MADE, task=TASK),
                                ArchiveModel(id=MADE, task=ENDED_STEP), PublishModel(id=MADE, task=""),
                                AppendConsole(task=TASK, lines=LINES), ReportScalars(task=TASK, series=SERIES)],
                         ids=name_of)  # fmt: skip
def test_a_step_writes_to_nobody_else(home, owner, op):
    with over_the_channel_of_a_step(home) as backend, pytest.raises(Forbidden, match="a step may write to its own"):
        backend.call(op)
    assert owner.call(ListArtifacts(task=TASK)) == owner.call(GetScalars(task=TASK)) == []


def test_a_key_is_told_once_is_good_and_is_revoked(way, owner):
    name, backend = way
    op = AddKey(owner=ADMIN, name="é", kind=Kind.AGENT, queues=("default", "é"))
    if is_reserved(name, op):
        with pytest.raises(Forbidden):
            backend.call(RevokeKey(id=owner.call(op).key.id))
        return
    made = backend.call(op)
    assert backend.call(ListKeys(owner=ADMIN)) == owner.call(ListKeys(owner=ADMIN)) == [made.key]
    assert owner.call(Authenticate(text=made.secret)).key == made.key.id
    revoked = backend.call(RevokeKey(id=made.key.id))
    assert owner.call(ListKeys(owner=ADMIN)) == [revoked]
    with pytest.raises(Unauthenticated):
        owner.call(Authenticate(text=made.secret))


def test_a_secret_is_recorded_as_its_seal_and_opened_for_whoever_carries_the_run_out(way, owner):
    name, backend = way
    planted = Parameter(section="Args", name="key", value="planted-\u00e9", type="secret")
    if name == "channel":
        owner.call(SetParameters(task=RUN, parameters=(planted,)))
        with pytest.raises(Forbidden):
            backend.call(OpenSecrets(task=RUN))
        return
    backend.call(SetParameters(task=RUN, parameters=(planted,)))
    (seal,) = [one.value for one in backend.call(GetParameters(task=RUN)) if one.name == "key"]
    assert seal == next(one.value for one in owner.call(GetParameters(task=RUN)) if one.name == "key")
    assert backend.call(OpenSecrets(task=RUN)) == owner.call(OpenSecrets(task=RUN)) == {seal: Secret("planted-\u00e9")}


def test_the_audit_log_tells_of_what_was_asked_from_outside(way, owner):
    name, backend = way
    if name != "channel":
        backend.call(StopRun(id=RUN, why="é"))
    rows = backend.call(ListAudit())
    assert rows == owner.call(ListAudit())
    outside = name.endswith("http")
    assert [(row.operation, row.object, row.result) for row in rows] == [("StopRun", RUN, "done")] * outside
    assert (checked := backend.call(CheckAudit())) == owner.call(CheckAudit())
    assert (checked.problem, checked.mark.seq) == ("", int(outside))


def test_every_way_stores_the_same_bytes(way, owner):
    _, backend = way
    blob = backend.blobs.put_bytes(b"as they are")
    assert owner.blobs.read(blob) == b"as they are"


def test_errors_in_the_middle_leave_the_way_open(way, owner):
    _, backend = way
    for _ in range(3):
        with pytest.raises(NotFound):
            backend.call(GetTask(id=NOBODY))
        assert backend.call(GetTask(id=STEP)) == owner.call(GetTask(id=STEP))


def test_threads_get_the_answers_to_their_own_questions(way, owner):
    _, backend = way
    wrong = []

    def ask(number):
        for _ in range(25):
            id = (RUN, DRAFT, TASK, STEP)[number]
            if backend.call(GetTask(id=id)).id != id:
                wrong.append(id)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=json_values)
def test_a_value_of_any_kind_comes_through(way, owner, value):
    _, backend = way
    parameter = Parameter(section="kwargs", name="x", value=value)
    backend.call(SetParameters(task=STEP, parameters=(parameter,)))
    assert backend.call(GetParameters(task=STEP)) == [parameter]
    assert repr(owner.call(GetParameters(task=STEP))) == repr([parameter])


@pytest.mark.parametrize("text", ["half a character: \ud800", "\udcff"])
def test_half_a_character_is_an_error_that_leaves_the_way_open(way, owner, text):
    """Python has such texts, for instance as names of files; bytes in UTF-8 cannot hold them."""
    _, backend = way
    with pytest.raises(Invalid, match=r"half a character|no Unicode"):
        backend.call(DescribeTask(id=STEP, comment=text))
    assert backend.call(GetTask(id=STEP)).comment == ""


def test_a_recorded_value_that_a_way_cannot_carry_is_an_error_of_that_way(way, owner):
    """The database holds values that are not UTF-8; who cannot be told them is told that."""
    name, backend = way
    owner.call(SetParameters(task=RUN, parameters=(Parameter(section="Args", name="x", value="\ud800"),)))
    if name in {"sqlite", "postgres"}:
        assert backend.call(GetParameters(task=RUN))[-1].value == "\ud800"
    else:
        with pytest.raises(Invalid):
            backend.call(GetParameters(task=RUN))
    assert backend.call(GetTask(id=STEP)).id == STEP
