import "./records.css";
import { useQueries } from "@tanstack/react-query";
import { opQuery } from "../../api/queries";
import { CopyButton, EmptyState, ErrorNote, Skeleton, Tag } from "../../components/Text";
import { sizeText } from "./blobs";
import { Facts } from "./Facts";
import type { Recorder } from "./Metrics";

/** The models that tasks made, and those that they were given. */
export function Models({ tasks, isLive }: { tasks: readonly Recorder[]; isLive: boolean }) {
  const answers = useQueries({
    queries: tasks.map((task) => ({
      ...opQuery("ListModels", { task: task.id }),
      refetchInterval: isLive ? 5_000 : (false as const),
    })),
  });
  const error = answers.find((one) => one.error)?.error;
  const found = tasks.flatMap((task, index) => (answers[index]?.data ?? []).map((model) => ({ model, task })));
  if (error) return <ErrorNote error={error} />;
  if (!found.length && answers.some((one) => one.isPending)) return <Skeleton rows={5} />;
  if (!found.length) return <EmptyState title="No models">Models that steps save or register appear here.</EmptyState>;
  return (
    <ul className="records">
      {found.map(({ model, task }) => (
        <li key={`${task.id}${model.direction}${model.id}${model.name}`} className="record">
          <div className="record-head">
            <span className="record-name cut" title={model.name}>
              {task.name && <span className="faint">{task.name} / </span>}
              {model.name}
            </span>
            <span className="quiet">{model.direction}</span>
            <span className="quiet">{model.framework}</span>
            <span className="quiet">{model.size > 0 && sizeText(model.size)}</span>
          </div>
          <Facts
            facts={[
              ["Comment", model.comment],
              ["Tags", model.tags.length ? model.tags.map((tag) => <Tag key={tag} text={tag} />) : null],
              ["Labels", Object.keys(model.labels).length ? JSON.stringify(model.labels) : null],
              ...Object.entries(model.metadata).map(([name, value]) => [name, value] as const),
              ["Where", model.url && <code className="cut">{model.url}</code>],
              [
                "Id",
                <span key="id" className="with-copy">
                  <code>{model.id}</code>
                  <CopyButton text={model.id} what="Copy the model's id" />
                </span>,
              ],
            ]}
          />
        </li>
      ))}
    </ul>
  );
}
