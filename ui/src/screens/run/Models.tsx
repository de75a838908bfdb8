import "./records.css";
import { useMemo } from "react";
import { LongList } from "../../components/LongList";
import { CopyButton, EmptyState, ErrorNote, Skeleton, Tag } from "../../components/Text";
import { sizeText } from "./blobs";
import { Facts } from "./Facts";
import { type Recorder, useRecords } from "./records";

/** The models that tasks made, and those that they were given. */
export function Models({ tasks, isLive }: { tasks: readonly Recorder[]; isLive: boolean }) {
  const { found, error, isPending } = useRecords("models", tasks, isLive, 5_000);
  const shown = useMemo(() => found.flatMap(({ task, items }) => items.map((model) => ({ model, task }))), [found]);
  if (error) return <ErrorNote error={error} />;
  if (!shown.length && isPending) return <Skeleton rows={5} />;
  if (!shown.length) return <EmptyState title="No models">Models that steps save or register appear here.</EmptyState>;
  return (
    <LongList
      label="Models"
      className="records"
      items={shown}
      keyOf={({ model, task }) => `${task.id}${model.direction}${model.id}${model.name}`}
      height={150}
    >
      {({ model, task }) => (
        <div className="record">
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
        </div>
      )}
    </LongList>
  );
}
