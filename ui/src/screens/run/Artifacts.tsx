import "./records.css";
import { useMemo } from "react";
import type { Schemas } from "../../api/call";
import { LongList } from "../../components/LongList";
import { EmptyState, ErrorNote, Skeleton } from "../../components/Text";
import { sizeText } from "./blobs";
import { Preview } from "./Preview";
import { type Recorder, useRecords } from "./records";

export type Artifact = Schemas["Artifact"];

/** The artifacts of tasks, each with a preview that opens below it. */
export function Artifacts(props: {
  tasks: readonly Recorder[];
  isLive: boolean;
  /** The name of the one that is open, with its task before it where there are several. */
  chosen?: string | undefined;
  onChoose: (artifact: string | undefined) => void;
}) {
  const { tasks, isLive, chosen, onChoose } = props;
  const { found, error, isPending } = useRecords("artifacts", tasks, isLive, 5_000);
  const shown = useMemo(
    () =>
      found.flatMap(({ task, items }) =>
        items.map((artifact) => ({ artifact, task, name: `${task.name}/${artifact.name}` })),
      ),
    [found],
  );
  if (error) return <ErrorNote error={error} />;
  if (!shown.length && isPending) return <Skeleton rows={5} />;
  if (!shown.length) return <EmptyState title="No artifacts">What steps return or upload appears here.</EmptyState>;
  return (
    <LongList
      label="Artifacts"
      className="records"
      items={shown}
      keyOf={({ artifact, task }) => `${task.id}\0${artifact.name}`}
      height={68}
    >
      {({ artifact, task, name }) => (
        <Record
          artifact={artifact}
          task={task}
          isOpen={chosen === name}
          onOpen={(isOpen) => onChoose(isOpen ? name : undefined)}
        />
      )}
    </LongList>
  );
}

function Record(props: { artifact: Artifact; task: Recorder; isOpen: boolean; onOpen: (isOpen: boolean) => void }) {
  const { artifact, task, isOpen, onOpen } = props;
  return (
    <div className="record">
      <button type="button" className="record-head" aria-expanded={isOpen} onClick={() => onOpen(!isOpen)}>
        <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span>
        <span className="record-name cut" title={artifact.name}>
          {task.name && <span className="faint">{task.name} / </span>}
          {artifact.name}
        </span>
        <span className="quiet cut">{artifact.type || artifact.format}</span>
        <span className="quiet">{sizeText(artifact.size)}</span>
      </button>
      {isOpen ? (
        <Preview artifact={artifact} />
      ) : (
        artifact.preview && (
          <p className="record-line cut quiet mono" aria-hidden="true">
            {artifact.preview.slice(0, 200)}
          </p>
        )
      )}
    </div>
  );
}
