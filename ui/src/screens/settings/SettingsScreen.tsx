import "../../components/longtable.css";
import "../tasks/tasks.css";
import "./settings.css";
import { useState } from "react";
import { attempt } from "../../api/act";
import { call } from "../../api/call";
import { Forbidden } from "../../api/errors";
import { useOp } from "../../api/queries";
import { Ask } from "../../components/Ask";
import { Button } from "../../components/Button";
import { Field, Input } from "../../components/Field";
import { ErrorNote } from "../../components/Text";
import { toast } from "../../components/Toast";
import { at, logIn } from "../../place";
import { Screen } from "../../shell/Screen";
import { setTheme, type Theme, useTheme } from "../../theme";
import { Keys } from "./Keys";
import { Users } from "./Users";

const THEMES: readonly (readonly [Theme, string])[] = [
  ["light", "Light"],
  ["dark", "Dark"],
  ["system", "As the system"],
];

/** What one chooses for oneself, and who may use this server. */
export function SettingsScreen() {
  const users = useOp("ListUsers", {});
  const isAdmin = users.data !== undefined;
  return (
    <Screen title="Settings">
      <div className="page">
        <Colours />
        <Session />
        <Keys users={users.data} />
        {isAdmin && <Users users={users.data} />}
        {users.error && !(users.error instanceof Forbidden) && <ErrorNote error={users.error} />}
      </div>
    </Screen>
  );
}

function Colours() {
  const { chosen } = useTheme();
  return (
    <fieldset className="panel choices">
      <legend>Colours</legend>
      {THEMES.map(([name, label]) => (
        <label key={name} className="check">
          <input type="radio" name="theme" checked={chosen === name} onChange={() => setTheme(name)} />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Session() {
  const [asking, setAsking] = useState(false);
  const logOut = async (): Promise<void> => {
    const response = await fetch(at("logout"), { method: "POST", headers: { "Content-Type": "application/json" } });
    if (!response.ok) throw new Error(`the server answered ${response.status}; you are still logged in`);
    logIn();
  };
  return (
    <section aria-labelledby="session">
      <h2 id="session">You</h2>
      <div className="panel page-line">
        <Button small onClick={() => setAsking(true)}>
          Change password
        </Button>
        <Button small onClick={() => void attempt(logOut())}>
          Log out
        </Button>
      </div>
      {asking && <Password onClose={() => setAsking(false)} />}
    </section>
  );
}

function Password({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const run = async (): Promise<void> => {
    // not by `act`: a password that does not fit is no reason to leave
    await call("ChangePassword", { name, current: { text: current }, password: { text: next } });
    toast("Your password is another one now; your other sessions have ended");
  };
  return (
    <Ask
      title="Change password"
      description="It ends all your sessions but this one."
      action="Change password"
      onClose={onClose}
      ready={name !== "" && current !== "" && isLong(next)}
      run={run}
    >
      <Field label="Your name">
        {(ids) => <Input {...ids} autoComplete="username" value={name} onChange={(e) => setName(e.target.value)} />}
      </Field>
      <Field label="Password that holds now">
        {(ids) => (
          <Input
            {...ids}
            type="password"
            autoComplete="current-password"
            value={current}
            onChange={(event) => setCurrent(event.target.value)}
          />
        )}
      </Field>
      <PasswordField label="New password" value={next} onChange={setNext} />
    </Ask>
  );
}

/** A field for a password that somebody makes up. */
export function PasswordField(props: { label: string; value: string; onChange: (text: string) => void }) {
  const { label, value, onChange } = props;
  return (
    <Field label={label} note="At least 10 characters.">
      {(ids) => (
        <Input
          {...ids}
          type="password"
          autoComplete="new-password"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

/** Return whether a text is long enough for a password. */
export function isLong(text: string): boolean {
  return text.length >= 10 && text.length <= 1_024;
}
