import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { act, attempt } from "../../api/act";
import { useOp } from "../../api/queries";
import { Ask } from "../../components/Ask";
import { Button } from "../../components/Button";
import { Field, Input } from "../../components/Field";
import { Table } from "../../components/Table";
import { ErrorNote, Tag } from "../../components/Text";
import { isLimit, LimitField } from "./QueueDialog";

/** How many tasks with a tag may run at once, whatever queues they come from. */
export function TagLimits() {
  const { data: limits, error } = useOp("ListTagLimits", {});
  const [asking, setAsking] = useState(false);
  return (
    <section className="section" aria-labelledby="tag-limits">
      <header className="section-head">
        <div>
          <h2 id="tag-limits">Limits of tags</h2>
          <p className="quiet">How many tasks with a tag may run at once, whatever queues they come from.</p>
        </div>
        <Button small icon={<Plus />} onClick={() => setAsking(true)}>
          New limit
        </Button>
      </header>
      {error && <ErrorNote error={error} />}
      {limits?.length === 0 && <p className="section-empty quiet">No tag has a limit.</p>}
      {limits && limits.length > 0 && (
        <Table label="Limits of tags">
          <thead>
            <tr>
              <th>Tag</th>
              <th className="number">Waiting</th>
              <th className="number">Running</th>
              <th>
                <span className="unseen">What to do</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {limits.map(({ tag, limit, running, waiting }) => (
              <tr key={tag}>
                <td>
                  <Tag text={tag} />
                </td>
                <td className="number">{waiting}</td>
                <td className="number">
                  {running} <span className="quiet">of {limit}</span>
                </td>
                <td>
                  <div className="row-actions">
                    <Button
                      small
                      icon={<Trash2 />}
                      aria-label={`Remove limit of ${tag}`}
                      onClick={() => void attempt(act("RemoveTagLimit", { tag }), `${tag} has no limit any more`)}
                    >
                      Remove
                    </Button>
                  </div>
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {asking && <NewLimit onClose={() => setAsking(false)} />}
    </section>
  );
}

function NewLimit({ onClose }: { onClose: () => void }) {
  const [tag, setTag] = useState("");
  const [limit, setLimit] = useState("1");
  return (
    <Ask
      title="Limit a tag"
      action="Set limit"
      onClose={onClose}
      ready={tag.trim() !== "" && limit !== "" && isLimit(limit)}
      run={() => act("SetTagLimit", { tag, limit: Number(limit) }, "ListTagLimits")}
    >
      <Field label="Tag">{(ids) => <Input {...ids} value={tag} onChange={(e) => setTag(e.target.value)} />}</Field>
      <LimitField label="How many tasks with it may run at once" value={limit} onChange={setLimit} />
    </Ask>
  );
}
