import { Ellipsis, Plus } from "lucide-react";
import { useState } from "react";
import { act, attempt } from "../../api/act";
import type { Schemas } from "../../api/call";
import { Ask } from "../../components/Ask";
import { Button, IconButton } from "../../components/Button";
import { Field, Input, Select } from "../../components/Field";
import { Menu, MenuItem, MenuLine } from "../../components/Menu";
import { Table } from "../../components/Table";
import { Ago } from "../../components/Time";
import { wordsOf } from "../models/EditModel";
import { SCOPES } from "./NewKey";
import { isLong, PasswordField } from "./SettingsScreen";

type User = Schemas["User"];
type Question = { kind: "add" } | { kind: "change" | "password" | "remove"; user: User };

/** Who may use this server, and what they may do. */
export function Users({ users }: { users: readonly User[] }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const close = (): void => setQuestion(null);
  return (
    <section aria-labelledby="users">
      <div className="section-title">
        <h2 id="users">Users</h2>
        <Button small icon={<Plus />} onClick={() => setQuestion({ kind: "add" })}>
          New user
        </Button>
      </div>
      {users.length === 0 && <p className="quiet">There are none yet: only who owns this server uses it.</p>}
      {users.length > 0 && (
        <div className="panel flush stacks">
          <Table label="Users">
            <thead>
              <tr>
                <th>User</th>
                <th>May</th>
                <th>Comes with</th>
                <th className="number">Added</th>
                <th>
                  <span className="unseen">What to do</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {users.map((user) => (
                <Row key={user.name} user={user} ask={setQuestion} />
              ))}
            </tbody>
          </Table>
        </div>
      )}
      {question?.kind === "add" && <Add onClose={close} />}
      {question?.kind === "change" && <Change user={question.user} onClose={close} />}
      {question?.kind === "password" && <SetPassword user={question.user} onClose={close} />}
      {question?.kind === "remove" && (
        <Ask
          title={`Remove ${question.user.name}?`}
          description="With their keys and sessions; what they recorded stays. This cannot be undone."
          action="Remove user"
          danger
          onClose={close}
          run={() => act("RemoveUser", { name: question.user.name }, "ListUsers", "ListKeys")}
        />
      )}
    </section>
  );
}

function Row({ user, ask }: { user: User; ask: (question: Question) => void }) {
  const { name } = user;
  const isOff = user.disabled !== null;
  const toggle = (): void =>
    void attempt(
      act("ChangeUser", { name, disabled: !isOff }, "ListUsers"),
      isOff ? `${name} may come again` : `${name} is refused, with all their keys`,
    );
  return (
    <tr>
      <td>
        <span className="strong">{name}</span> {isOff && <span className="quiet">refused</span>}
      </td>
      <td className="quiet">
        {SCOPES.find(([scope]) => scope === user.scope)?.[1]}
        {user.projects.length > 0 && `, in ${user.projects.join(", ")}`}
      </td>
      <td className="quiet">{user.has_password ? "a password" : "keys only"}</td>
      <td className="number" data-label="Added">
        <Ago at={user.created} />
      </td>
      <td>
        <div className="row-actions">
          <Menu label={`More of ${name}`} trigger={<IconButton label={`More of ${name}`} icon={<Ellipsis />} />}>
            <MenuItem onSelect={() => ask({ kind: "change", user })}>Change what they may</MenuItem>
            <MenuItem onSelect={() => ask({ kind: "password", user })}>Set a password</MenuItem>
            <MenuItem onSelect={toggle}>{isOff ? "Let in again" : "Refuse for now"}</MenuItem>
            <MenuLine />
            <MenuItem danger onSelect={() => ask({ kind: "remove", user })}>
              Remove
            </MenuItem>
          </Menu>
        </div>
      </td>
    </tr>
  );
}

function Add({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [scope, setScope] = useState<User["scope"]>("run");
  const [projects, setProjects] = useState("");
  const [password, setPassword] = useState("");
  const wanted = { name, scope, projects: wordsOf(projects), password: password === "" ? null : { text: password } };
  return (
    <Ask
      title="New user"
      action="Add user"
      onClose={onClose}
      ready={name !== "" && (password === "" || isLong(password))}
      run={() => act("AddUser", wanted, "ListUsers")}
    >
      <Field label="Name" note="Letters, digits and . _ - @ +">
        {(ids) => <Input {...ids} autoComplete="off" value={name} onChange={(e) => setName(e.target.value)} />}
      </Field>
      <May scope={scope} onScope={setScope} projects={projects} onProjects={setProjects} />
      <PasswordField label="Password, if they log in here" value={password} onChange={setPassword} />
    </Ask>
  );
}

function Change({ user, onClose }: { user: User; onClose: () => void }) {
  const [scope, setScope] = useState(user.scope);
  const [projects, setProjects] = useState(user.projects.join(", "));
  return (
    <Ask
      title={`What ${user.name} may`}
      description="It holds at once, also where they are logged in."
      action="Save"
      onClose={onClose}
      run={() => act("ChangeUser", { name: user.name, scope, projects: wordsOf(projects) }, "ListUsers")}
    >
      <May scope={scope} onScope={setScope} projects={projects} onProjects={setProjects} />
    </Ask>
  );
}

function SetPassword({ user, onClose }: { user: User; onClose: () => void }) {
  const [password, setPassword] = useState("");
  return (
    <Ask
      title={`Password of ${user.name}`}
      description="It ends all their sessions."
      action="Set password"
      onClose={onClose}
      ready={isLong(password)}
      run={() => act("ChangeUser", { name: user.name, password: { text: password } }, "ListUsers")}
    >
      <PasswordField label="New password" value={password} onChange={setPassword} />
    </Ask>
  );
}

function May(props: {
  scope: User["scope"];
  onScope: (scope: User["scope"]) => void;
  projects: string;
  onProjects: (text: string) => void;
}) {
  const { scope, onScope, projects, onProjects } = props;
  return (
    <>
      <Field label="They may">
        {(ids) => (
          <Select {...ids} value={scope} onChange={(event) => onScope(event.target.value as User["scope"])}>
            {SCOPES.map(([one, word]) => (
              <option key={one} value={one}>
                {word}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Field label="Projects" note="Separated by commas, each with those below it; empty for all.">
        {(ids) => <Input {...ids} value={projects} onChange={(event) => onProjects(event.target.value)} />}
      </Field>
    </>
  );
}
