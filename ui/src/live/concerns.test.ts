import { QueryClient } from "@tanstack/react-query";
import { expect, test } from "vitest";
import type { Change, RunDetail } from "../api/types";
import { isConcerned, patchRun } from "./concerns";

const change = (more: Partial<Change>): Change => ({
  seq: 1,
  at: 100,
  kind: "status",
  task: "t1",
  run: "r1",
  step: null,
  attempt: 0,
  status: "in_progress",
  message: "",
  place: "",
  ...more,
});

test("a query is concerned by a change of what is named in it, and by none of anything else", () => {
  expect(isConcerned(["GetRun", { id: "r1" }], [change({})])).toBe(true);
  expect(isConcerned(["GetTask", { id: "t1" }], [change({})])).toBe(true);
  expect(isConcerned(["GetRun", { id: "r2" }], [change({})])).toBe(false);
  expect(
    isConcerned(["ListEntries", { queue: "gpu" }], [change({ kind: "queue", run: null, task: "", place: "gpu" })]),
  ).toBe(true);
});

test("a list is concerned by every change of what it lists", () => {
  expect(isConcerned(["SearchRuns", { limit: 50 }], [change({})])).toBe(true);
  expect(isConcerned(["SearchRuns", { limit: 50 }], [change({ kind: "agent" })])).toBe(false);
});

test("what is said of a task, of its models, and who may do what, is heard of where it is shown", () => {
  const described = change({ kind: "described" });
  expect(isConcerned(["SearchTasks", { limit: 50 }], [described])).toBe(true);
  expect(isConcerned(["GetTask", { id: "t1" }], [described])).toBe(true);
  const model = change({ kind: "model", place: "m1" });
  expect(isConcerned(["FindModels", {}], [model])).toBe(true);
  expect(isConcerned(["GetModel", { id: "m1" }], [model])).toBe(true);
  expect(isConcerned(["ListRecords", { tasks: ["t0", "t1"] }], [model])).toBe(true);
  expect(isConcerned(["GetModel", { id: "m2" }], [model])).toBe(false);
  const access = change({ kind: "access", task: "", run: null });
  expect(isConcerned(["ListKeys", { owner: "ada" }], [access])).toBe(true);
  expect(isConcerned(["SearchRuns", { limit: 50 }], [access])).toBe(false);
});

const detail = {
  run: { task: { id: "r1", status: "in_progress" }, counts: { pending: 1, running: 1 } },
  steps: [
    { name: "load", status: "running", attempt: 1, started: 90, ended: null },
    { name: "train", status: "pending", attempt: 0, started: null, ended: null },
  ],
} as unknown as RunDetail;

test("a step that ended is shown so at once, with the counts", () => {
  const client = new QueryClient();
  client.setQueryData(["GetRun", { id: "r1" }], detail);
  patchRun(client, [change({ step: "load", attempt: 1, status: "completed" })]);
  const found = client.getQueryData<RunDetail>(["GetRun", { id: "r1" }]);
  expect(found?.steps[0]).toMatchObject({ status: "completed", started: 90, ended: 100 });
  expect(found?.run.counts).toEqual({ completed: 1, pending: 1 });
});

test("a late word of an earlier attempt changes nothing", () => {
  const client = new QueryClient();
  const second = { ...detail, steps: detail.steps.map((one) => ({ ...one, attempt: 2 })) };
  client.setQueryData(["GetRun", { id: "r1" }], second);
  patchRun(client, [change({ step: "load", attempt: 1, status: "failed" })]);
  expect(client.getQueryData(["GetRun", { id: "r1" }])).toEqual(second);
});

test("a run that ended is shown so at once", () => {
  const client = new QueryClient();
  client.setQueryData(["GetRun", { id: "r1" }], detail);
  patchRun(client, [change({ task: "r1", status: "failed" })]);
  expect(client.getQueryData<RunDetail>(["GetRun", { id: "r1" }])?.run.task.status).toBe("failed");
});
