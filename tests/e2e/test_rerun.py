"""Runs that are done anew, in part, by the command: what really executes, what is reused, what stays as it was."""

from __future__ import annotations

import json
import signal
import time

import msgspec
import pytest

from penstock import PipelineController, Task
from penstock.core.decision import DecisionKind
from penstock.core.task import Status
from penstock.ops.decisions import ListDecisions
from penstock.ops.outputs import GetScalars, ListArtifacts
from penstock.ops.reruns import DraftRerun
from penstock.ops.runs import DeleteRun, FindRun, GetRun, ListRuns
from penstock.ops.tasks import GetConfigurations, GetParameters, ListTasks, SetParameters
from penstock.sdk import session

FLOW = """
    from pathlib import Path
    from penstock import PipelineController

    {before}

    def note(step):
        with open("{log}", "a") as lines:
            print(step, file=lines)

    def load(rows):
        note("load")
        return list(range(rows))

    def train(rows, rate, run=None):
        import tools
        note("train")
        from penstock import Logger
        Logger.current_logger().report_scalar("loss", "train", rate, 0)
        return tools.weigh(rows, rate)

    def score(model):
        note("score")
        if Path("{log}").with_name("broken").exists():
            raise ValueError("broken")
        return model + 1

    def chart(rows):
        note("chart")
        return len(rows)

    helpers = [note]
    pipe = PipelineController("flow", "Tests")
    pipe.add_parameter("rows", 4, "How many rows")
    pipe.add_parameter("rate", 0.5)
    pipe.add_function_step("load", load, {{"rows": "${{pipeline.rows}}"}}, ["rows"], helper_functions=helpers,
        cache_executed_step={cache})
    pipe.add_function_step("train", train, {{"rows": "${{load.rows}}", "rate": "${{pipeline.rate}}",
        "run": "${{pipeline.id}}"}}, ["model"], helper_functions=helpers, cache_executed_step={cache},
        monitor_artifacts=["model"], monitor_metrics=[("loss", "train")] {train})
    pipe.add_function_step("score", score, {{"model": "${{train.model}}"}}, ["score"], helper_functions=helpers,
        cache_executed_step={cache})
    pipe.add_function_step("chart", chart, {{"rows": "${{load.rows}}"}}, ["rows"], helper_functions=helpers,
        cache_executed_step={cache})
    pipe.start_locally(run_pipeline_steps_locally=True)
"""
TOOLS = "def weigh(rows, rate):\n    return sum(rows) * rate\n"


class Flow:
    """A script with four steps, which note that they execute; and the command."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder.root / "log"

    def run(self, code=0, **parts):
        given = {"before": "", "cache": False, "train": "", "log": self.log} | parts
        if not (self.folder.root / "tools.py").exists():
            self.folder.write("tools.py", TOOLS)
        self.folder.run("flow.py", FLOW.format(**given), code=0)
        return self.newest()

    def rerun(self, *arguments, code=0, run="last"):
        return self.command("rerun", run, *arguments, code=code)

    def command(self, *arguments, code=0):
        process = self.folder.start(None, "-m", "penstock", *arguments)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, out + err
        self.out, self.err = out, err
        return self.newest()

    def executed(self):
        """The steps that executed since it was asked last."""
        found = self.log.read_text().split() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return sorted(found)

    @staticmethod
    def call(op):
        return session.backend().call(op)

    def newest(self):
        return self.call(GetRun(id=self.call(FindRun(text="last")).id))

    def statuses(self, detail):
        return {one.name: str(one.status) for one in self.call(GetRun(id=detail.run.id)).steps}

    def why(self, detail, step):
        kinds = {DecisionKind.EXECUTE, DecisionKind.REUSE, DecisionKind.SKIP}
        return [one.reason for one in self.call(ListDecisions(run=detail.run.id, step=step)) if one.kind in kinds][-1]

    def reasons(self, detail, step):
        found = self.call(ListDecisions(run=detail.run.id, step=step))
        return [said for one in found for said in (one.reason, *one.details)]

    def returned(self, detail, step, name):
        (state,) = [one for one in self.call(GetRun(id=detail.run.id)).steps if one.name == step]
        return Task.get_task(state.task).artifacts[name].get()

    def everything(self, detail):
        """All that is recorded of a run and of its steps, as one text."""
        tasks = self.call(ListTasks(run=detail.run.id))
        kinds = (GetParameters, GetConfigurations, ListArtifacts, GetScalars)
        held = [self.call(kind(task=id)) for kind in kinds for id in (detail.run.id, *(one.id for one in tasks))]
        run = self.call(GetRun(id=detail.run.id))
        return msgspec.json.encode((run, tasks, held, self.call(ListDecisions(run=detail.run.id))))


@pytest.fixture
def flow(folder):
    return Flow(folder)


ALL = ["chart", "load", "score", "train"]
DONE = dict.fromkeys(("load", "train", "score", "chart"), "completed")
REUSED = dict.fromkeys(DONE, "cached")


def test_a_changed_parameter_makes_a_new_run_of_what_depends_on_it_and_the_old_one_stays(flow):
    first = flow.run()
    assert (flow.executed(), flow.returned(first, "score", "score")) == (ALL, 4.0)
    before = flow.everything(first)
    second = flow.rerun("--param", "rate=2")
    assert flow.executed() == ["score", "train"]
    assert flow.statuses(second) == {"load": "cached", "train": "completed", "score": "completed", "chart": "cached"}
    assert (flow.returned(second, "score", "score"), flow.returned(second, "load", "rows")) == (13.0, [0, 1, 2, 3])
    assert flow.why(second, "train") == "parameter 'rate' changed from 0.5 to 2.0"
    assert flow.why(second, "score") == "'train' runs anew, and this step builds on it"
    assert flow.why(second, "chart") == "it is unchanged since flow #1"
    assert (second.run.task.name, second.run.task.parent) == ("flow #2", first.run.id)
    assert flow.everything(first) == before


def test_the_plan_is_printed_before_anything_begins(flow):
    flow.run()
    flow.rerun("--param", "rate=2", "--plain")
    plan, _, rest = flow.out.partition("\n\n")
    assert plan == "rerun of flow #1: 2 steps to run, 2 reused\n  parameter 'rate' changed from 0.5 to 2.0"
    assert [line.split()[:3:2] for line in rest.splitlines()[1:5]] == [
        ["load", "reuse"],
        ["train", "run"],
        ["score", "run"],
        ["chart", "reuse"],
    ]


def test_a_completed_run_without_a_change_is_reused_as_a_whole_also_for_a_step_that_was_given_the_run_s_id(flow):
    first = flow.run()
    flow.executed()
    second = flow.rerun()
    assert (flow.statuses(second), flow.executed()) == (REUSED, [])
    assert second.run.task.status is Status.COMPLETED
    assert flow.returned(second, "train", "model") == flow.returned(first, "train", "model")


def test_the_new_run_takes_over_what_it_monitors_of_steps_that_are_reused(flow):
    flow.run()
    second = flow.rerun()
    assert [one.name for one in flow.call(ListArtifacts(task=second.run.id))] == ["model"]
    (series,) = flow.call(GetScalars(task=second.run.id))
    assert (series.title, series.series, [one.value for one in series.points]) == ("loss", "train", [0.5])


def test_what_was_reused_is_reused_again_and_outlives_the_run_that_made_it(flow):
    first = flow.run()
    second = flow.rerun("--from", "chart")
    flow.call(DeleteRun(id=first.run.id))
    flow.executed()
    third = flow.rerun("--from", "score", run="flow #2")
    assert flow.executed() == ["score"]
    assert flow.returned(third, "score", "score") == 4.0
    assert (second.run.number, third.run.number) == (2, 3)


def test_from_a_step_everything_below_it_executes_whatever_the_cache_holds(flow):
    flow.run(cache=True)
    flow.executed()
    second = flow.rerun("--from", "train")
    assert flow.executed() == ["score", "train"]
    assert flow.why(second, "train") == "you asked to start from this step"
    flow.rerun("--param", "rate=2")
    assert flow.executed() == ["score", "train"]
    back = flow.rerun("--param", "rate=0.5")
    assert flow.executed() == ["train"], "it was given the id of its run, which is another one each time"
    assert flow.statuses(back)["score"] == "cached", "but the cache still holds what was made of what it returns"
    assert "'train' runs anew, and this step builds on it" in flow.reasons(back, "score")


def test_only_one_step_leaves_out_what_builds_on_it(flow):
    flow.run()
    flow.executed()
    second = flow.rerun("--only", "train")
    assert flow.executed() == ["train"]
    assert flow.statuses(second) == {"load": "cached", "train": "completed", "score": "skipped", "chart": "cached"}
    assert second.run.task.status is Status.COMPLETED
    flow.command("explain", second.run.id, "score")
    assert "score was skipped: you asked for 'train' only" in flow.out


def test_after_a_failure_what_completed_is_reused_and_the_rest_executes(flow):
    broken = flow.folder.write("broken", "")
    first = flow.run()
    assert flow.statuses(first) == {**DONE, "score": "failed"}
    flow.executed()
    broken.unlink()
    second = flow.rerun()
    assert flow.executed() == ["score"]
    assert flow.why(second, "score") == "it failed in flow #1"
    assert second.run.task.status is Status.COMPLETED


def test_a_step_whose_module_of_the_project_changed_is_not_reused(flow):
    flow.run()
    flow.executed()
    flow.folder.write("tools.py", TOOLS.replace("sum(rows) * rate", "sum(rows) * rate + 100"))
    second = flow.rerun()
    assert flow.executed() == ["score", "train"]
    assert flow.returned(second, "score", "score") == 104.0
    assert flow.why(second, "train") == "the code of 'tools.weigh' changed since flow #1"
    assert flow.why(second, "score") == "'train' runs anew, and this step builds on it"


def test_a_step_whose_bytes_are_gone_executes_and_so_does_what_builds_on_it(flow, home):
    first = flow.run()
    flow.executed()
    (load,) = flow.call(ListTasks(run=first.run.id, step="load"))
    (rows,) = flow.call(ListArtifacts(task=load.id))
    files = [file for file in (home / "blobs").rglob("*") if file.is_file()]
    (blob,) = [file for file in files if rows.hash in str(file).replace("/", "")]
    blob.unlink()
    second = flow.rerun()
    assert flow.executed() == ALL
    assert "left is not whole: artifact 'rows'" in flow.why(second, "load")
    assert flow.why(second, "chart") == "'load' runs anew, and this step builds on it"
    assert second.run.task.status is Status.COMPLETED


def test_a_draft_is_carried_out_later_and_executes_all_when_the_run_before_is_gone_by_then(flow):
    first = flow.run()
    made = flow.call(DraftRerun(id="a" * 32, source=first.run.id))
    flow.call(DeleteRun(id=first.run.id))
    flow.executed()
    second = flow.command("execute", made.run.id)
    assert (second.run.id, flow.executed(), flow.statuses(second)) == (made.run.id, ALL, DONE)
    assert flow.why(second, "load") == "the run that it was to be reused from, flow #1, is gone"


def test_the_values_that_a_draft_has_when_it_begins_count(flow):
    first = flow.run()
    made = flow.call(DraftRerun(id="a" * 32, source=first.run.id))
    rate = [one for one in flow.call(GetParameters(task=made.run.id)) if one.name == "rate"]
    flow.call(SetParameters(task=made.run.id, parameters=(msgspec.structs.replace(rate[0], value=3.0),)))
    flow.executed()
    flow.command("execute", made.run.id)
    assert flow.executed() == ["score", "train"]


def test_a_callback_can_veto_a_step_that_would_be_reused(flow):
    """It may ask for parameters or the day of the week, of which no plan can know."""
    veto = "def ask(pipeline, node, parameters):\n        return pipeline.get_parameters()['rate'] < 1"
    flow.run(before=veto, train=", pre_execute_callback=ask")
    flow.executed()
    same = flow.rerun()
    assert (flow.statuses(same), flow.executed()) == (REUSED, [])
    vetoed = flow.rerun("--param", "rate=2")
    assert flow.statuses(vetoed) == {"load": "cached", "train": "skipped", "score": "skipped", "chart": "cached"}
    again = flow.rerun("--param", "rate=0.5")
    assert flow.statuses(again) == {**DONE, "load": "cached", "chart": "cached"}
    assert "parameter 'rate' changed from 2.0 to 0.5" in flow.reasons(again, "train")


def test_a_callback_that_changes_an_argument_makes_a_step_execute_that_would_be_reused(flow):
    change = (
        "def ask(pipeline, node, parameters):\n"
        "        factor = Path('factor')\n"
        "        if factor.exists():\n"
        "            parameters['kwargs/rate'] = float(factor.read_text())"
    )
    flow.run(before=change, train=", pre_execute_callback=ask")
    flow.executed()
    flow.folder.write("factor", "3.0")
    second = flow.rerun()
    assert flow.executed() == ["score", "train"]
    assert flow.why(second, "train") == "argument 'rate' is 3.0, was 0.5 in flow #1"
    assert flow.returned(second, "score", "score") == 19.0


def test_a_rerun_that_was_interrupted_goes_on_as_it_was_planned(flow):
    broken = flow.folder.write("broken", "")
    flow.run()
    flow.executed()
    second = flow.rerun("--only", "score", code=1)
    assert flow.statuses(second) == {**REUSED, "score": "failed"}
    broken.unlink()
    third = flow.command("resume", second.run.id)
    assert (third.run.id, flow.statuses(third)) == (second.run.id, {**REUSED, "score": "completed"})
    left = flow.rerun("--only", "train")
    assert flow.statuses(left)["score"] == "skipped"


def test_a_rerun_whose_process_was_killed_goes_on_as_it_was_planned(flow):
    flow.run()
    flow.executed()
    flow.folder.write("tools.py", TOOLS + "import time\ntime.sleep(60)\n")
    process = flow.folder.start(None, "-m", "penstock", "rerun", "last", "--only", "train")
    with process:
        while flow.newest().run.counts.get("running") != 1:
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=120)
    flow.folder.write("tools.py", TOOLS)
    second = flow.command("resume", "last")
    assert flow.statuses(second) == {"load": "cached", "train": "completed", "score": "skipped", "chart": "cached"}
    assert flow.executed() == ["train"]
    assert flow.why(second, "load") == "it is unchanged since flow #1"


def test_a_step_that_was_left_out_is_left_out_again_when_the_rerun_goes_on(flow):
    flow.run(train=", execution_queue='q'")
    flow.folder.write("tools.py", TOOLS + "raise ValueError('broken')\n")
    second = flow.rerun("--only", "train", code=1)
    assert flow.statuses(second) == {"load": "cached", "train": "failed", "score": "skipped", "chart": "cached"}
    flow.folder.write("tools.py", TOOLS)
    flow.executed()
    third = flow.command("resume", second.run.id)
    assert flow.executed() == ["train"]
    assert flow.statuses(third) == {"load": "cached", "train": "completed", "score": "skipped", "chart": "cached"}
    assert flow.why(third, "score") == "you asked for 'train' only"


def test_a_dry_run_leaves_everything_as_it_is(flow):
    first = flow.run()
    before, count = flow.everything(first), len(flow.call(ListRuns()))
    flow.rerun("--param", "rows=5", "--dry-run", "--json")
    document = json.loads(flow.out)
    assert [one["treatment"] for one in document["plan"]["steps"]] == ["run", "run", "run", "run"]
    assert (flow.everything(first), len(flow.call(ListRuns()))) == (before, count)


def test_the_document_holds_plan_and_run(flow):
    flow.run()
    second = flow.rerun("--json")
    document = json.loads(flow.out)
    assert (document["exit_code"], [run["task"]["id"] for run in document["runs"]]) == (0, [second.run.id])
    assert {one["treatment"] for one in document["plan"]["steps"]} == {"reuse"}


def test_a_draft_that_could_not_begin_goes_again(flow, monkeypatch):
    flow.run(before="import os\n    if os.environ.get('BREAK'):\n        raise SystemExit('no')")
    monkeypatch.setenv("BREAK", "1")
    flow.rerun(code=1)
    assert "no" in flow.err
    assert [run.number for run in flow.call(ListRuns())] == [1]


def test_from_python_a_rerun_is_a_draft_with_a_plan(flow):
    flow.run()
    flow.executed()
    draft = PipelineController.rerun("last", {"rate": 2}, from_step="chart")
    assert {one.step: str(one.treatment) for one in draft.rerun_plan} == {
        "load": "reuse", "train": "run", "score": "run", "chart": "run"
    }  # fmt: skip
    draft.set_parameters({"rate": 0.5})
    assert {one.step for one in draft.rerun_plan if one.treatment == "run"} == {"chart"}
    draft.start_locally(run_pipeline_steps_locally=True)
    assert (flow.executed(), draft.is_successful()) == (["chart"], True)
    assert PipelineController.get(flow.newest().run.id).rerun_plan


# Pipelines of recorded tasks, and pipelines in pipelines

TASK = """
    from penstock import Task

    task = Task.init("Base", "count")
    given = task.connect({"start": 1, "step": 1})
    with open("%(log)s", "a") as lines:
        print(%(name)r, file=lines)
    task.upload_artifact("value", given["start"] + given["step"])
"""
OF_TASKS = """
    from penstock import PipelineController

    pipe = PipelineController("tasks", "Tests")
    pipe.add_parameter("start", 1)
    pipe.add_parameter("step", 10)
    pipe.add_step("one", %(one)r, parameter_override={"General/start": "${pipeline.start}"})
    pipe.add_step("two", %(two)r, parents=["one"], parameter_override={
        "General/start": "${one.parameters.General/start}", "General/step": "${pipeline.step}"})
    pipe.start_locally(run_pipeline_steps_locally=True)
"""


def tasks(flow, record):
    """Run a pipeline of two recorded tasks; return the ids of these."""
    base = {name: record(name, TASK % {"log": flow.log, "name": name}).id for name in ("one", "two")}
    flow.folder.run("tasks.py", OF_TASKS % base)
    assert flow.executed() == ["one", "two"]
    return base


def test_steps_that_carry_out_recorded_tasks_are_reused_and_run_anew_alike(flow, record):
    tasks(flow, record)
    second = flow.rerun("--param", "step=20")
    assert (flow.executed(), flow.statuses(second)) == (["two"], {"one": "cached", "two": "completed"})
    assert flow.why(second, "two") == "parameter 'step' changed from 10 to 20"
    assert (flow.returned(second, "one", "value"), flow.returned(second, "two", "value")) == (2, 21)
    third = flow.rerun("--from", "one")
    assert (flow.executed(), flow.statuses(third)) == (["one", "two"], {"one": "completed", "two": "completed"})
    assert (flow.statuses(flow.rerun()), flow.executed()) == ({"one": "cached", "two": "cached"}, [])


def test_a_base_task_that_was_edited_since_is_not_reused(flow, record):
    base = tasks(flow, record)
    Task.get_task(base["two"]).set_parameter("General/more", 5)
    second = flow.rerun()
    assert (flow.executed(), flow.statuses(second)) == (["two"], {"one": "cached", "two": "completed"})
    assert flow.why(second, "two") == "argument 'General/more' is 5, was not given in tasks #1"


OUTER = """
    from penstock import PipelineController

    pipe = PipelineController("outer", "Tests")
    pipe.add_parameter("x", 1)
    pipe.add_step("inner", %r, parameter_override={"Args/x": "${pipeline.x}"})
    pipe.add_step("again", %r, parents=["inner"], parameter_override={"Args/x": 7})
    pipe.start_locally(run_pipeline_steps_locally=True)
"""
INNER = """
    from penstock import PipelineController


    def double(x):
        with open(%r, "a") as lines:
            print(x, file=lines)
        return 2 * x


    pipe = PipelineController("inner", "Tests")
    pipe.add_parameter("x", 1)
    pipe.add_function_step("double", double, {"x": "${pipeline.x}"}, ["y"], monitor_artifacts=["y"])
    pipe.start_locally(run_pipeline_steps_locally=True)
"""


def test_a_step_that_is_a_pipeline_is_reused_as_a_whole_or_carried_out_anew(flow):
    file = flow.folder.write("inner.py", INNER % str(flow.log))
    inner = PipelineController.create("Tests", "inner", script=str(file), packages=[], force_single_script_file=True)
    flow.folder.run("outer.py", OUTER % (inner.id, inner.id))
    assert flow.executed() == ["1", "7"]
    count = len(flow.call(ListRuns()))
    outer = "outer"
    flow.rerun("--from", "again", run=outer)
    assert flow.executed() == ["7"]
    runs = flow.call(ListRuns())
    assert len(runs) == count + 2, "a new outer run, and one of the inner pipeline"
    (newest,) = [run for run in runs if run.pipeline == "outer" and run.number == 2]
    detail = flow.call(GetRun(id=newest.id))
    assert flow.statuses(detail) == {"inner": "cached", "again": "completed"}
    assert flow.returned(detail, "inner", "y") == 2
