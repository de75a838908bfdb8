import "./records.css";
import { useQueries } from "@tanstack/react-query";
import type { Schemas } from "../../api/call";
import { opQuery } from "../../api/queries";
import { EmptyState, ErrorNote, Skeleton } from "../../components/Text";
import { sizeText } from "./blobs";
import type { Recorder } from "./Metrics";
import { Preview } from "./Preview";

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
  const answers = useQueries({
    queries: tasks.map((task) => ({
      ...opQuery("ListArtifacts", { task: task.id }),
      refetchInterval: isLive ? 5_000 : (false as const),
    })),
  });
  const error = answers.find((one) => one.error)?.error;
  const found = tasks.flatMap((task, index) =>
    (answers[index]?.data ?? []).map((artifact) => ({ artifact, task, key: `${task.name}/${artifact.name}` })),
  );
  if (error) return <ErrorNote error={error} />;
  if (!found.length && answers.some((one) => one.isPending)) return <Skeleton rows={5} />;
  if (!found.length) return <EmptyState title="No artifacts">What steps return or upload appears here.</EmptyState>;
  return (
    <ul className="records">
      {found.map(({ artifact, task, key }) => {
        const isOpen = chosen === key;
        return (
          <li key={`${task.id}\0${artifact.name}`} className="record">
            <button
              type="button"
              className="record-head"
              aria-expanded={isOpen}
              onClick={() => onChoose(isOpen ? undefined : key)}
            >
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
          </li>
        );
      })}
    </ul>
  );
}
