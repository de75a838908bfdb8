import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { act } from "../../api/act";
import type { Schemas } from "../../api/call";
import { useOp } from "../../api/queries";
import { Ask } from "../../components/Ask";
import { Button } from "../../components/Button";
import { Field, Input } from "../../components/Field";
import { Dialog } from "../../components/Overlay";
import { Table } from "../../components/Table";
import { Code, ErrorNote, Skeleton } from "../../components/Text";
import { Ago } from "../../components/Time";
import { base } from "../../place";
import { NewKey } from "./NewKey";

type Key = Schemas["Key"];
type User = Schemas["User"];

/** The keys with which programs come; those of all users for who may see them, else one's own. */
export function Keys({ users }: { users: readonly User[] | undefined }) {
  const [name, setName] = useState("");
  const [owner, setOwner] = useState<string | null>(null);
  const isAdmin = users !== undefined;
  const keys = useOp("ListKeys", { owner: isAdmin ? null : owner }, { enabled: isAdmin || owner !== null });
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const [revoking, setRevoking] = useState<Key | null>(null);
  return (
    <section aria-labelledby="keys">
      <div className="section-title">
        <h2 id="keys">API keys</h2>
        {(isAdmin || owner !== null) && (
          <Button small icon={<Plus />} disabled={users?.length === 0} onClick={() => setMaking(true)}>
            New key
          </Button>
        )}
      </div>
      {!isAdmin && owner === null && (
        <form
          className="panel page-line"
          onSubmit={(event) => {
            event.preventDefault();
            setOwner(name);
          }}
        >
          <Field label="Your name">
            {(ids) => <Input {...ids} value={name} onChange={(e) => setName(e.target.value)} />}
          </Field>
          <Button type="submit" disabled={name === ""}>
            Show my keys
          </Button>
        </form>
      )}
      {keys.error && <ErrorNote error={keys.error} again={() => setOwner(null)} />}
      {keys.isLoading && <Skeleton rows={3} />}
      {keys.data?.length === 0 && (
        <p className="quiet">
          There are none. Scripts and agents on other machines come with one.
          {users?.length === 0 && " A key belongs to a user: add one first."}
        </p>
      )}
      {keys.data && keys.data.length > 0 && <List keys={keys.data} onRevoke={setRevoking} />}
      {making && (
        <NewKey
          owners={users?.map((one) => one.name) ?? [owner ?? ""]}
          onClose={() => setMaking(false)}
          onMade={setSecret}
        />
      )}
      {secret !== null && <Secret text={secret} onClose={() => setSecret(null)} />}
      {revoking && (
        <Ask
          title={`Revoke ${revoking.name || "key"} of ${revoking.owner}?`}
          description="Whoever comes with it is refused from now on. This cannot be undone."
          action="Revoke key"
          danger
          onClose={() => setRevoking(null)}
          run={() => act("RevokeKey", { id: revoking.id }, "ListKeys")}
        />
      )}
    </section>
  );
}

function List({ keys, onRevoke }: { keys: readonly Key[]; onRevoke: (key: Key) => void }) {
  return (
    <div className="panel flush stacks">
      <Table label="API keys">
        <thead>
          <tr>
            <th>Key</th>
            <th>Owner</th>
            <th>May</th>
            <th className="number">Made</th>
            <th className="number">Used</th>
            <th>
              <span className="unseen">What to do</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.id}>
              <td>
                <span className="strong">{key.name || <span className="faint">without a name</span>}</span>{" "}
                <code className="faint">{key.id}</code>
              </td>
              <td>{key.owner}</td>
              <td className="quiet">
                {key.kind === "agent" ? "claim tasks" : key.scope}
                {key.projects.length > 0 && ` in ${key.projects.join(", ")}`}
              </td>
              <td className="number" data-label="Made">
                <Ago at={key.created} />
              </td>
              <td className="number" data-label="Used">
                {key.used === null ? <span className="faint">never</span> : <Ago at={key.used} />}
              </td>
              <td>
                <div className="row-actions">
                  {key.revoked === null ? (
                    <Button small aria-label={`Revoke ${key.name || key.id}`} onClick={() => onRevoke(key)}>
                      Revoke
                    </Button>
                  ) : (
                    <span className="faint">revoked</span>
                  )}
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </div>
  );
}

/** Shows the text of a key, this once. */
function Secret({ text, onClose }: { text: string; onClose: () => void }) {
  const url = new URL(base, location.href).href.replace(/\/$/, "");
  return (
    <Dialog
      open
      title="Your new key"
      description="It is shown this once, and kept nowhere: copy it now."
      onClose={onClose}
      actions={
        <Button look="primary" icon={<KeyRound />} onClick={onClose}>
          I have copied it
        </Button>
      }
    >
      <Code label="The key" text={text} />
      <p className="secret-how quiet">On the machine that uses it:</p>
      <Code label="How it is used" text={`export PENSTOCK_URL=${url}\nexport PENSTOCK_KEY=${text}`} />
    </Dialog>
  );
}
