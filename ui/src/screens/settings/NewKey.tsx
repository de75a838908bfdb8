import { useState } from "react";
import { act } from "../../api/act";
import type { Schemas } from "../../api/call";
import { Ask } from "../../components/Ask";
import { Field, Input, Select } from "../../components/Field";
import { wordsOf } from "../models/EditModel";

type Scope = Schemas["Key"]["scope"];
type Kind = Schemas["Key"]["kind"];

export const SCOPES: readonly (readonly [Scope, string])[] = [
  ["read", "look at everything"],
  ["run", "look, and start runs"],
  ["write", "look, start, and change records"],
  ["admin", "do everything, users and keys included"],
];
const DAYS = [
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "a year"],
  ["", "for ever"],
] as const;

/** Asks for what a key is to allow, and makes it. */
export function NewKey(props: { owners: readonly string[]; onClose: () => void; onMade: (secret: string) => void }) {
  const { owners, onClose, onMade } = props;
  const [owner, setOwner] = useState(owners[0] ?? "");
  const [name, setName] = useState("");
  const [kind, setKind] = useState<Kind>("user");
  const [scope, setScope] = useState<Scope>("run");
  const [places, setPlaces] = useState("");
  const [days, setDays] = useState("90");
  const run = async (): Promise<void> => {
    const lifetime = days === "" ? null : Number(days) * 86_400;
    const isAgent = kind === "agent";
    const limits = isAgent ? { queues: wordsOf(places) } : { projects: wordsOf(places) };
    const made = await act("AddKey", { owner, name, kind, scope, lifetime, ...limits }, "ListKeys");
    onMade(made.secret.text);
  };
  return (
    <Ask title="New key" action="Make key" onClose={onClose} ready={owner !== ""} run={run}>
      <Field label="Owner" note="The key never allows more than they may.">
        {(ids) => (
          <Select {...ids} value={owner} onChange={(event) => setOwner(event.target.value)}>
            {owners.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </Select>
        )}
      </Field>
      <Field label="What it is for">
        {(ids) => <Input {...ids} value={name} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <Field label="Who comes with it">
        {(ids) => (
          <Select {...ids} value={kind} onChange={(event) => setKind(event.target.value as Kind)}>
            <option value="user">a person or a script</option>
            <option value="agent">an agent</option>
          </Select>
        )}
      </Field>
      {kind === "user" && (
        <Field label="It may">
          {(ids) => (
            <Select {...ids} value={scope} onChange={(event) => setScope(event.target.value as Scope)}>
              {SCOPES.map(([one, word]) => (
                <option key={one} value={one}>
                  {word}
                </option>
              ))}
            </Select>
          )}
        </Field>
      )}
      <Field
        label={kind === "agent" ? "Queues" : "Projects"}
        note={
          kind === "agent"
            ? "Separated by commas; empty for all."
            : "Separated by commas, each with those below it; empty for all."
        }
      >
        {(ids) => <Input {...ids} value={places} onChange={(event) => setPlaces(event.target.value)} />}
      </Field>
      <Field label="It is good for">
        {(ids) => (
          <Select {...ids} value={days} onChange={(event) => setDays(event.target.value)}>
            {DAYS.map(([one, word]) => (
              <option key={one} value={one}>
                {word}
              </option>
            ))}
          </Select>
        )}
      </Field>
    </Ask>
  );
}
