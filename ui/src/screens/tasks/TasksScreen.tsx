import "../../components/longtable.css";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useDeferredValue, useMemo } from "react";
import { type Answer, call } from "../../api/call";
import { useOp } from "../../api/queries";
import type { Task } from "../../api/types";
import { Button } from "../../components/Button";
import { Chip } from "../../components/Chip";
import { FilterInput, Select } from "../../components/Field";
import { LongTable } from "../../components/LongTable";
import { StatusBadge } from "../../components/StatusBadge";
import { Code, EmptyState, ErrorNote, Middle, Skeleton, Tag } from "../../components/Text";
import { Ago, Duration } from "../../components/Time";
import { Screen } from "../../shell/Screen";
import { type Condition, parse } from "../runs/query";
import type { TasksSearch } from "./route";

const route = getRouteApi("/tasks");
const PAGE = 100;

const RECORD = `from penstock import Task

task = Task.init(project_name="demo", task_name="first experiment")`;

/** Tasks that belong to no run: experiments, jobs, drafts. */
export function TasksScreen() {
  const search = route.useSearch();
  const { q = "", project, archived = false } = search;
  const navigate = useNavigate({ from: "/tasks" });
  const { data: projects } = useOp("ListProjects", {});
  const asked = useDeferredValue(q);
  const { where, wrong } = useMemo(() => conditions(asked, project), [asked, project]);
  const tasks = useTasks(where, archived, wrong === null);
  const rows = useMemo(() => tasks.data?.pages.flatMap((page) => page.rows.map((row) => row.task)) ?? [], [tasks.data]);
  const change = (more: TasksSearch, replace = false): void => {
    const next = { ...search, ...more };
    if (!next.q) delete next.q;
    if (!next.project) delete next.project;
    if (!next.archived) delete next.archived;
    void navigate({ search: next, replace });
  };
  const showAll = (): void => void navigate({ search: {} });
  const isFiltered = q !== "" || project !== undefined || archived;
  return (
    <Screen title="Tasks" fills>
      <div className="filters">
        <FilterInput
          aria-label="Filter tasks"
          aria-invalid={wrong !== null || undefined}
          placeholder="status:failed  rate>1e-4  tag:best  text"
          text={q}
          onText={(text) => change({ q: text }, true)}
        />
        <Select
          aria-label="Project"
          value={project ?? ""}
          onChange={(event) => change({ project: event.target.value })}
        >
          <option value="">All projects</option>
          {project && !projects?.includes(project) && <option value={project}>{project}</option>}
          {projects?.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </Select>
        <Chip on={archived} onChange={(on) => change({ archived: on })}>
          Archived
        </Chip>
        {tasks.data && (
          <span className="count" role="status">
            {rows.length}
            {tasks.hasNextPage ? " and more" : ""} {rows.length === 1 ? "task" : "tasks"}
          </span>
        )}
      </div>
      {wrong !== null && <ErrorNote error={wrong} />}
      {tasks.error && <ErrorNote error={tasks.error} again={() => void tasks.refetch()} />}
      {tasks.isPending && wrong === null && !tasks.error && <Skeleton rows={8} />}
      {tasks.data && rows.length === 0 && isFiltered && (
        <EmptyState title="No task fits the filter" action={<Button onClick={showAll}>Show all</Button>} />
      )}
      {tasks.data && rows.length === 0 && !isFiltered && (
        <EmptyState title="No tasks yet">
          <p>Runs of pipelines have their own place. A script that records itself appears here:</p>
          <Code label="Record a script" text={RECORD} />
        </EmptyState>
      )}
      {rows.length > 0 && (
        <LongTable
          label="Tasks"
          columns={7}
          rows={rows}
          keyOf={(task) => task.id}
          head={
            <>
              <th>Task</th>
              <th>Status</th>
              <th>Type</th>
              <th>Project</th>
              <th>Tags</th>
              <th className="number">Took</th>
              <th className="number">Created</th>
            </>
          }
          cells={(task) => <Cells task={task} />}
          onEnd={tasks.hasNextPage && !tasks.isFetching ? () => void tasks.fetchNextPage() : undefined}
        />
      )}
    </Screen>
  );
}

function Cells({ task }: { task: Task }) {
  return (
    <>
      <td>
        <Link to="/tasks/$task" params={{ task: task.id }} data-opens>
          <Middle text={task.name} />
        </Link>
      </td>
      <td>
        <StatusBadge status={task.status} />
      </td>
      <td className="quiet">{task.type.replace("_", " ")}</td>
      <td className="quiet">
        <Middle text={task.project} />
      </td>
      <td>
        <span className="tags">
          {task.tags.map((tag) => (
            <Tag key={tag} text={tag} />
          ))}
        </span>
      </td>
      <td className="number">
        <Duration from={task.started} to={task.ended} />
      </td>
      <td className="number">
        <Ago at={task.created} />
      </td>
    </>
  );
}

/** Return the tasks of a search, a page at a time; under the name of the operation, so that they hear of changes. */
function useTasks(where: Condition[], archived: boolean, enabled: boolean) {
  return useInfiniteQuery({
    queryKey: ["SearchTasks", { where, archived, limit: PAGE }],
    queryFn: ({ pageParam, signal }): Promise<Answer<"SearchTasks">> =>
      call("SearchTasks", { where, archived, limit: PAGE, after: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
    enabled,
  });
}

function conditions(text: string, project: string | undefined): { where: Condition[]; wrong: unknown } {
  const own: Condition[] = project ? [{ column: { type: "fact", name: "project" }, test: "=", values: [project] }] : [];
  try {
    return { where: [...own, ...parse(text, Math.floor(Date.now() / 60_000) * 60)], wrong: null };
  } catch (error) {
    return { where: own, wrong: error };
  }
}
