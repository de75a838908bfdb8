// What the palette finds: places of the page, and what is recorded.
import type { LinkProps } from "@tanstack/react-router";
import { call } from "../../api/call";
import { opQuery, queryClient } from "../../api/queries";
import type { Model, Task } from "../../api/types";
import { setTheme } from "../../theme";
import { NAVIGATION } from "../navigation";
import { openSheet } from "./open";

export interface Item {
  key: string;
  group: string;
  text: string;
  note?: string;
  status?: string;
  keys?: string;
  go: LinkProps | (() => void);
}

const MANY = 200;
const EACH_ID = 8;

/** What can be done wherever one is. */
export function actions(): Item[] {
  const places = NAVIGATION.map(({ to, label, keys }) => ({
    key: `go ${label}`,
    group: "Go to",
    text: label,
    keys,
    go: { to },
  }));
  const themes = (["light", "dark", "system"] as const).map((name) => ({
    key: `theme ${name}`,
    group: "Actions",
    text: name === "system" ? "Colours as the system has them" : `Colours: ${name}`,
    go: () => setTheme(name),
  }));
  return [...places, { key: "keys", group: "Actions", text: "Show all keys", keys: "?", go: openSheet }, ...themes];
}

/** Return what is recorded, newest first; each kind as far as it can be had. */
export async function recorded(): Promise<Item[]> {
  const kinds = await Promise.allSettled([pipelinesAndRuns(), tasks(), models(), queues(), agents()]);
  return kinds.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
}

async function pipelinesAndRuns(): Promise<Item[]> {
  const { rows } = await queryClient.fetchQuery(opQuery("SearchRuns", { limit: MANY, archived: false }));
  const names = new Map(rows.map(({ run }) => [`${run.project}\0${run.pipeline}`, run]));
  const pipelines = [...names].map(([key, { pipeline, project }]) => ({
    key: `pipeline ${key}`,
    group: "Pipelines",
    text: pipeline,
    note: project,
    go: { to: "/runs", search: { q: `pipeline:${quoted(pipeline)}` } } as LinkProps,
  }));
  const grids = pipelines.map((one) => {
    const [project = "", pipeline = ""] = one.key.slice("pipeline ".length).split("\0");
    return {
      key: `grid ${one.key}`,
      group: "Runs x steps",
      text: `Grid of ${pipeline}`,
      note: project,
      go: { to: "/grid", search: { project, pipeline } } as LinkProps,
    };
  });
  const runs = rows.map(({ run }) => ({
    key: `run ${run.task.id}`,
    group: "Runs",
    text: run.task.name,
    note: run.project,
    status: run.task.status,
    go: { to: "/runs/$run", params: { run: run.task.id } } as LinkProps,
  }));
  return [...pipelines, ...runs, ...grids];
}

async function tasks(): Promise<Item[]> {
  const { rows } = await call("SearchTasks", { limit: MANY, archived: false });
  return rows.map(({ task }) => ({
    key: `task ${task.id}`,
    group: "Tasks",
    text: task.name,
    note: task.project,
    status: task.status,
    go: { to: "/tasks/$task", params: { task: task.id } },
  }));
}

async function models(): Promise<Item[]> {
  const models = await queryClient.fetchQuery(opQuery("FindModels", { limit: MANY }));
  return models.map(itemOfModel);
}

function itemOfModel({ id, name, project }: Model): Item {
  return {
    key: `model ${id}`,
    group: "Models",
    text: name,
    note: project,
    go: { to: "/models/$model", params: { model: id } },
  };
}

async function queues(): Promise<Item[]> {
  const found = await queryClient.fetchQuery(opQuery("ListQueues", {}));
  return found.map(({ name, waiting }) => ({
    key: `queue ${name}`,
    group: "Queues",
    text: name,
    note: waiting ? `${waiting} waiting` : "empty",
    go: { to: "/queues", search: { queue: name } },
  }));
}

async function agents(): Promise<Item[]> {
  const found = await queryClient.fetchQuery(opQuery("ListAgents", {}));
  return found.map(({ name, tasks }) => ({
    key: `agent ${name}`,
    group: "Agents",
    text: name,
    note: tasks.length ? "busy" : "idle",
    go: { to: "/agents" },
  }));
}

/** Return whether a text may be an id, or the beginning of one. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{6,32}$/.test(text);
}

/** Return what has an id that begins so. */
export async function withId(beginning: string): Promise<Item[]> {
  const [tasks, model] = await Promise.all([
    call("ListTasks", { beginning, limit: EACH_ID }),
    beginning.length === 32 ? call("GetModel", { id: beginning }).catch(() => null) : null,
  ]);
  const items = tasks.map(itemOfTask);
  return model ? [...items, { ...itemOfModel(model), group: "With this id" }] : items;
}

function itemOfTask({ id, name, type, status, run, step }: Task): Item {
  const shown = { key: `id ${id}`, group: "With this id", text: name, note: id, status };
  if (run === null && type !== "controller") return { ...shown, go: { to: "/tasks/$task", params: { task: id } } };
  return { ...shown, go: { to: "/runs/$run", params: { run: run ?? id }, search: step ? { step } : {} } };
}

/** Return what the server finds by a text, beyond what is newest. */
export async function found(text: string): Promise<Item[]> {
  const where = [{ column: { type: "fact" as const, name: "text" }, test: "~" as const, values: [text] }];
  const { rows } = await call("SearchRuns", { where, limit: 20 });
  return rows.map(({ run }) => ({
    key: `run ${run.task.id}`,
    group: "Runs",
    text: run.task.name,
    note: run.project,
    status: run.task.status,
    go: { to: "/runs/$run", params: { run: run.task.id } },
  }));
}

function quoted(text: string): string {
  return /[\s"]/.test(text) ? `"${text.replaceAll('"', "")}"` : text;
}
