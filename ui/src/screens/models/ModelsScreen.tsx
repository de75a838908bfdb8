import "../../components/longtable.css";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useDeferredValue, useMemo } from "react";
import { opQuery } from "../../api/queries";
import type { Model } from "../../api/types";
import { Button } from "../../components/Button";
import { Chip } from "../../components/Chip";
import { FilterInput } from "../../components/Field";
import { LongTable } from "../../components/LongTable";
import { StatusBadge } from "../../components/StatusBadge";
import { Code, EmptyState, ErrorNote, Middle, Skeleton, Tag } from "../../components/Text";
import { Ago } from "../../components/Time";
import { Screen } from "../../shell/Screen";
import { sizeText } from "../run/blobs";
import type { ModelsSearch } from "./route";

const route = getRouteApi("/models");
const AGAIN = 10_000; // milliseconds: models are no changes that anybody is told of
const MOST = 5_000;

const SAVE = `from penstock import OutputModel, Task

task = Task.current_task()
OutputModel(task=task, name="classifier").update_weights("model.pt")`;

/** All models, newest first. */
export function ModelsScreen() {
  const search = route.useSearch();
  const { q = "", published = false, archived = false } = search;
  const navigate = useNavigate({ from: "/models" });
  const { data, error, refetch } = useQuery({
    ...opQuery("FindModels", { published, archived, limit: MOST }),
    refetchInterval: AGAIN,
  });
  const wanted = useDeferredValue(q);
  const shown = useMemo(() => data?.filter((one) => isFound(one, wanted)) ?? [], [data, wanted]);
  const change = (more: ModelsSearch, replace = false): void => {
    const next = { ...search, ...more };
    if (!next.q) delete next.q;
    if (!next.published) delete next.published;
    if (!next.archived) delete next.archived;
    void navigate({ search: next, replace });
  };
  return (
    <Screen title="Models" fills>
      <div className="filters">
        <FilterInput
          aria-label="Filter models"
          placeholder="Filter by name, project, framework or tag"
          text={q}
          onText={(text) => change({ q: text }, true)}
        />
        <Chip on={published} onChange={(on) => change({ published: on })}>
          Published only
        </Chip>
        <Chip on={archived} onChange={(on) => change({ archived: on })}>
          With archived
        </Chip>
        {data && (
          <span className="count" role="status">
            {shown.length === data.length ? `${data.length} models` : `${shown.length} of ${data.length} models`}
          </span>
        )}
      </div>
      {error && <ErrorNote error={error} again={() => void refetch()} />}
      {!data && !error && <Skeleton rows={8} />}
      {data?.length === 0 && (
        <EmptyState title={published ? "No published models" : "No models yet"}>
          <p>Models that steps save or register appear here:</p>
          <Code label="Record a model" text={SAVE} />
        </EmptyState>
      )}
      {data && data.length > 0 && shown.length === 0 && (
        <EmptyState
          title="No model fits the filter"
          action={<Button onClick={() => change({ q: "" })}>Show all</Button>}
        />
      )}
      {shown.length > 0 && (
        <LongTable
          label="Models"
          columns={7}
          rows={shown}
          keyOf={(model) => model.id}
          head={
            <>
              <th>Model</th>
              <th>State</th>
              <th>Project</th>
              <th>Framework</th>
              <th>Tags</th>
              <th className="number">Size</th>
              <th className="number">Recorded</th>
            </>
          }
          cells={(model) => <Cells model={model} />}
        />
      )}
    </Screen>
  );
}

function Cells({ model }: { model: Model }) {
  return (
    <>
      <td>
        <Link to="/models/$model" params={{ model: model.id }} data-opens>
          <Middle text={model.name} />
        </Link>
      </td>
      <td>
        <ModelState model={model} />
      </td>
      <td className="quiet">
        <Middle text={model.project} />
      </td>
      <td className="quiet">{model.framework}</td>
      <td>
        <span className="tags">
          {model.tags.map((tag) => (
            <Tag key={tag} text={tag} />
          ))}
        </span>
      </td>
      <td className="number quiet">{model.size > 0 && sizeText(model.size)}</td>
      <td className="number">
        <Ago at={model.created} />
      </td>
    </>
  );
}

/** Whether a model may still change. */
export function ModelState({ model }: { model: Model }) {
  return (
    <span className="tags">
      <StatusBadge status={model.published === null ? "created" : "published"} />
      {model.archived && <Tag text="archived" />}
    </span>
  );
}

function isFound(model: Model, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const hay = [model.name, model.project, model.framework, model.comment, model.id, ...model.tags]
    .join("\n")
    .toLowerCase();
  return words.every((word) => hay.includes(word));
}
