import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useMemo, useState } from "react";
import { errorOf } from "../../api/errors";
import { useOp } from "../../api/queries";
import type { Json } from "../../api/types";
import { Button } from "../../components/Button";
import { LongTable } from "../../components/LongTable";
import { Code, CopyButton, ErrorNote, Skeleton } from "../../components/Text";
import { Ago } from "../../components/Time";
import { toastError } from "../../components/Toast";
import { at } from "../../place";
import type { Artifact } from "./Artifacts";
import { fetchBlob, imageOf, sizeText, textOf, useBlob } from "./blobs";
import { Facts } from "./Facts";
import { JsonTree } from "./JsonTree";
import { type Kind, kindOf, TEXT_MOST } from "./preview-kind";
import { save } from "./save";
import { TextBlock } from "./TextBlock";

/** What an artifact holds, as far as a page can show it safely, and the facts that are recorded of it. */
export function Preview({ artifact }: { artifact: Artifact }) {
  const kind = kindOf(artifact);
  return (
    <div className="preview">
      <Body kind={kind} artifact={artifact} />
      <Facts
        facts={[
          ["Type", artifact.type],
          ["Format", artifact.format],
          ["Size", sizeText(artifact.size)],
          ...Object.entries(artifact.metadata).map(([name, value]) => [name, value] as const),
          ["Stored", artifact.created > 0 && <Ago at={artifact.created} />],
          [
            "SHA-256",
            artifact.hash && (
              <span className="with-copy">
                <code className="cut">{artifact.hash}</code>
                <CopyButton text={artifact.hash} what="Copy the hash" />
              </span>
            ),
          ],
        ]}
      />
      <div className="preview-acts">
        <SaveButton artifact={artifact} />
        <LoadCode artifact={artifact} />
      </div>
    </div>
  );
}

function Body({ kind, artifact }: { kind: Kind; artifact: Artifact }) {
  switch (kind) {
    case "table":
      return <Head artifact={artifact} />;
    case "image":
      return <Picture artifact={artifact} />;
    case "json":
      return <Tree artifact={artifact} />;
    case "text":
      return <Words artifact={artifact} />;
    case "html":
      return <Page artifact={artifact} />;
    case "opaque":
      return (
        <>
          <Said artifact={artifact} />
          <p className="quiet">
            A {artifact.format} is not opened here: reading it may run code. What its step said of it is above.
          </p>
        </>
      );
    case "said":
      return <Said artifact={artifact} />;
  }
}

function Said({ artifact }: { artifact: Artifact }) {
  if (!artifact.preview) return null;
  return <TextBlock label="Preview">{artifact.preview}</TextBlock>;
}

const LISTED = 10; // rows of a table that come with a list of artifacts

/** The first rows of a table, as its step recorded them: up to 200, of which those in view are drawn. */
function Head({ artifact }: { artifact: Artifact }) {
  const { task, name } = artifact;
  const { data } = useOp("GetArtifact", { task, name }, { enabled: (artifact.table?.rows.length ?? 0) >= LISTED });
  const table = data?.table ?? artifact.table;
  const rows = useMemo(() => table?.rows.map((cells, place) => ({ cells, place })) ?? [], [table]);
  if (!table) return null;
  return (
    <div className="preview-table" data-long={rows.length > LISTED || undefined}>
      <LongTable
        flat
        label={`First rows of ${name}`}
        columns={table.columns.length}
        head={table.columns.map((column, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two columns may have one name
          <th key={place}>
            {column} <span className="faint">{table.types[place]}</span>
          </th>
        ))}
        rows={rows}
        keyOf={({ place }) => String(place)}
        cells={({ cells }) =>
          // biome-ignore lint/suspicious/noArrayIndexKey: cells have no other name
          cells.map((cell, place) => <td key={place}>{cell}</td>)
        }
      />
      <p className="faint preview-rows">
        {rows.length === 1 ? "The first row" : `The first ${rows.length} rows`}, as the step recorded them
      </p>
    </div>
  );
}

function Picture({ artifact }: { artifact: Artifact }) {
  const { data, error } = useBlob(artifact.hash, imageOf);
  if (error) return <Said artifact={artifact} />;
  if (!data) return <Skeleton rows={4} />;
  return <img className="preview-image" src={data} alt={artifact.name} />;
}

function Tree({ artifact }: { artifact: Artifact }) {
  const { data, error } = useBlob(artifact.hash, jsonOf);
  if (error) return <Said artifact={artifact} />;
  if (data === undefined) return <Skeleton rows={4} />;
  return <JsonTree value={data.value} />;
}

function jsonOf(bytes: ArrayBuffer): { value: Json } {
  return { value: JSON.parse(textOf(bytes)) as Json };
}

function Words({ artifact }: { artifact: Artifact }) {
  const { data, error } = useBlob(artifact.hash, textOf, TEXT_MOST);
  if (error) return <Said artifact={artifact} />;
  if (data === undefined) return <Skeleton rows={4} />;
  return (
    <>
      <TextBlock label="Text">{data}</TextBlock>
      {artifact.size > TEXT_MOST && <p className="faint">The first {sizeText(TEXT_MOST)} of it.</p>}
    </>
  );
}

/** A page that a user made: shown by the second origin, in a frame in which no script runs. */
function Page({ artifact }: { artifact: Artifact }) {
  const { data, error } = useQuery({
    queryKey: ["file-link", artifact.task, artifact.name, artifact.hash],
    queryFn: ({ signal }) => linkOf(artifact, signal),
    staleTime: 30_000,
    gcTime: 40_000,
  });
  if (error) return <ErrorNote error={error} />;
  if (!data) return <Skeleton rows={6} />;
  return <iframe className="preview-page" sandbox="" src={data} title={artifact.name} referrerPolicy="no-referrer" />;
}

async function linkOf(artifact: Artifact, signal?: AbortSignal): Promise<string> {
  const response = await fetch(at("api/v1/file-links"), {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ task: artifact.task, artifact: artifact.name }),
    signal: signal ?? null,
  });
  if (!response.ok) throw await errorOf(response);
  return ((await response.json()) as { url: string }).url;
}

function SaveButton({ artifact }: { artifact: Artifact }) {
  const [busy, setBusy] = useState(false);
  if (!artifact.hash) return artifact.url ? <code className="cut">{artifact.url}</code> : null;
  const go = (): void => {
    setBusy(true);
    fetchBlob(artifact.hash)
      .then((bytes) => save(fileName(artifact), bytes, "application/octet-stream"))
      .catch(toastError)
      .finally(() => setBusy(false));
  };
  return (
    <Button small icon={<Download />} busy={busy} onClick={go}>
      Save to a file
    </Button>
  );
}

const ENDINGS: Record<string, string> = { text: "txt", folder: "zip", bytes: "bin" };

function fileName(artifact: Artifact): string {
  return artifact.metadata.file_name ?? `${artifact.name}.${ENDINGS[artifact.format] ?? artifact.format}`;
}

function LoadCode({ artifact }: { artifact: Artifact }) {
  const name = JSON.stringify(artifact.name);
  const text = `from penstock import Task\n\nvalue = Task.get_task("${artifact.task}").artifacts[${name}].get()`;
  return (
    <details className="load-code">
      <summary>Load it in Python</summary>
      <Code text={text} label="Code that loads it" />
    </details>
  );
}
