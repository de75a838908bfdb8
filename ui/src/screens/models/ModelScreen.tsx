import "../run/run.css";
import "../../components/longtable.css";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Archive, Download, Ellipsis, Pencil } from "lucide-react";
import { useState } from "react";
import { act, attempt } from "../../api/act";
import { useOp } from "../../api/queries";
import type { Model } from "../../api/types";
import { Ask } from "../../components/Ask";
import { Button, IconButton } from "../../components/Button";
import { Menu, MenuItem } from "../../components/Menu";
import { Table } from "../../components/Table";
import { TaskName } from "../../components/TaskName";
import { Code, CopyButton, ErrorNote, Skeleton, Tag } from "../../components/Text";
import { Ago } from "../../components/Time";
import { at } from "../../place";
import { Screen } from "../../shell/Screen";
import { sizeText } from "../run/blobs";
import { Facts } from "../run/Facts";
import { TextBlock } from "../run/TextBlock";
import { EditModel } from "./EditModel";
import { ModelState } from "./ModelsScreen";

const route = getRouteApi("/models/$model");

/** One model: what it is, where it came from, and the code that loads it. */
export function ModelScreen() {
  const { model: id } = route.useParams();
  const { data: model, error, refetch } = useOp("GetModel", { id });
  const [asking, setAsking] = useState<"publish" | "edit" | null>(null);
  return (
    <Screen
      title={model?.name ?? "Model"}
      crumbs={[{ label: "Models", link: { to: "/models" } }]}
      actions={model && <Actions model={model} ask={setAsking} />}
    >
      {error && <ErrorNote error={error} again={() => void refetch()} />}
      {!model && !error && <Skeleton rows={8} />}
      {model && <Record model={model} />}
      {model && asking === "edit" && <EditModel model={model} onClose={() => setAsking(null)} />}
      {model && asking === "publish" && <Publish model={model} onClose={() => setAsking(null)} />}
    </Screen>
  );
}

function Actions({ model, ask }: { model: Model; ask: (what: "publish" | "edit") => void }) {
  const { id, task, archived } = model;
  const archive = (): void =>
    void attempt(
      act("ArchiveModel", { id, task, archived: !archived }, "GetModel", "FindModels", "ListRecords"),
      archived ? `${model.name} is back` : `${model.name} is archived`,
    );
  return (
    <>
      {model.published === null && (
        <Button small onClick={() => ask("publish")}>
          Publish
        </Button>
      )}
      <Menu label="More" trigger={<IconButton label="More" icon={<Ellipsis />} />}>
        <MenuItem icon={<Pencil />} onSelect={() => ask("edit")}>
          Edit comment and tags
        </MenuItem>
        <MenuItem icon={<Archive />} onSelect={archive}>
          {archived ? "Bring back" : "Archive"}
        </MenuItem>
      </Menu>
    </>
  );
}

function Record({ model }: { model: Model }) {
  const { data: task } = useOp("GetTask", { id: model.task }, { enabled: model.task !== "" });
  const metadata = Object.entries(model.metadata);
  const labels = Object.entries(model.labels).sort((a, b) => a[1] - b[1]);
  return (
    <div className="page">
      <section className="panel" aria-label="What it is">
        <Facts
          facts={[
            ["State", <ModelState key="state" model={model} />],
            ["Made by", task && <TaskName key="task" {...task} />],
            ["Project", model.project],
            ["Framework", model.framework],
            ["Comment", model.comment],
            [
              "Tags",
              model.tags.length > 0 && (
                <span className="tags">
                  {model.tags.map((tag) => (
                    <Tag key={tag} text={tag} />
                  ))}
                </span>
              ),
            ],
            ["Recorded", <Ago key="at" at={model.created} />],
            ["Published", model.published !== null && <Ago at={model.published} />],
            ["Id", <WithCopy key="id" text={model.id} what="Copy the model's id" />],
          ]}
        />
      </section>
      <section aria-labelledby="weights">
        <h2 id="weights">Weights</h2>
        <div className="panel">
          {model.url === "" ? (
            <p className="quiet">Nothing has been stored for it yet.</p>
          ) : (
            <>
              <Facts
                facts={[
                  ["File", model.facts.file_name],
                  ["Size", model.size > 0 && sizeText(model.size)],
                  ["Where", <WithCopy key="url" text={model.url} what="Copy where it is" />],
                  ["SHA-256", model.hash && <WithCopy text={model.hash} what="Copy the hash" />],
                ]}
              />
              {model.hash && (
                <a
                  className="button small"
                  href={at(`api/v1/blobs/${model.hash}`)}
                  download={model.facts.file_name || model.name}
                >
                  <Download aria-hidden="true" />
                  <span>Download</span>
                </a>
              )}
            </>
          )}
        </div>
      </section>
      <section aria-labelledby="load">
        <h2 id="load">Load it</h2>
        <Code label="Code that loads it" text={codeFor(model)} />
      </section>
      {metadata.length > 0 && (
        <section aria-labelledby="metadata">
          <h2 id="metadata">Metadata</h2>
          <div className="panel flush">
            <Pairs label="Metadata" head={["Name", "Value"]} pairs={metadata} />
          </div>
        </section>
      )}
      {labels.length > 0 && (
        <section aria-labelledby="labels">
          <h2 id="labels">Labels</h2>
          <div className="panel flush">
            <Pairs label="Labels" head={["Class", "Number"]} pairs={labels.map(([name, at]) => [name, String(at)])} />
          </div>
        </section>
      )}
      {model.design && (
        <section aria-labelledby="design">
          <h2 id="design">Configuration</h2>
          <TextBlock label="Configuration">{model.design}</TextBlock>
        </section>
      )}
      <p className="faint">
        <Link to="/models" search={{ q: model.name }}>
          All models of this name
        </Link>
      </p>
    </div>
  );
}

function Pairs({ label, head, pairs }: { label: string; head: [string, string]; pairs: [string, string][] }) {
  return (
    <Table label={label} compact>
      <thead>
        <tr>
          <th>{head[0]}</th>
          <th>{head[1]}</th>
        </tr>
      </thead>
      <tbody>
        {pairs.map(([name, value]) => (
          <tr key={name}>
            <td>{name}</td>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function WithCopy({ text, what }: { text: string; what: string }) {
  return (
    <span className="with-copy">
      <code className="cut" title={text}>
        {text}
      </code>
      <CopyButton text={text} what={what} />
    </span>
  );
}

function Publish({ model, onClose }: { model: Model; onClose: () => void }) {
  const { id, task } = model;
  return (
    <Ask
      title={`Publish ${model.name}?`}
      description="Others can build on it: from then on it stays as it is, except for its comment and tags. This cannot be undone."
      action="Publish model"
      onClose={onClose}
      run={() => act("PublishModel", { id, task }, "GetModel", "FindModels", "ListRecords")}
    />
  );
}

/** Return code that loads a model, to be copied. */
export function codeFor(model: Model): string {
  return `from penstock import InputModel\n\nmodel = InputModel(model_id="${model.id}")\npath = model.get_local_copy()`;
}
