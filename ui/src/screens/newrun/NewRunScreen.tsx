import "./newrun.css";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { Play, RotateCcw } from "lucide-react";
import { type FormEvent, useEffect, useMemo, useRef, useState } from "react";
import { type Answer, type Args, randomWord } from "../../api/call";
import { shown } from "../../api/errors";
import { useAct, useOp } from "../../api/queries";
import type { Json } from "../../api/types";
import { AGENT_COMES, useAgentComes } from "../../components/agents";
import { Button } from "../../components/Button";
import { Field, Input, Select, Switch } from "../../components/Field";
import { StatusBadge } from "../../components/StatusBadge";
import { lookOf } from "../../components/status";
import { Tabs } from "../../components/Tabs";
import { Code, EmptyState, ErrorNote, Skeleton } from "../../components/Text";
import { agoText } from "../../components/time";
import { Screen } from "../../shell/Screen";
import { asCommand, asCurl, asPython } from "./launch";
import { ParameterField } from "./ParameterField";
import { type Overrides, StepOverrides } from "./StepOverrides";
import { changed, type Draft, draftOf, type FormField, wrongWith } from "./values";

type Form = Answer<"GetLaunchForm">;
const route = getRouteApi("/new");

/** A new run: what an earlier one did, with other parameters, queue, tags and name. */
export function NewRunScreen() {
  const asked = route.useSearch();
  const meant = asked.source
    ? { source: asked.source }
    : { pipeline: asked.pipeline ?? null, project: asked.project ?? "" };
  const { data, error, refetch } = useOp("GetLaunchForm", meant, { enabled: Boolean(asked.source ?? asked.pipeline) });
  const title = data ? `New run of ${data.pipeline}` : "New run";
  return (
    <Screen title={title} crumbs={[{ label: "Runs", link: { to: "/runs" } }]}>
      {!asked.source && !asked.pipeline && (
        <EmptyState title="Of which pipeline?">
          A new run is begun from a pipeline, or from an earlier run of it.
        </EmptyState>
      )}
      {error && <ErrorNote error={error} again={() => void refetch()} />}
      {!data && !error && (asked.source || asked.pipeline) && <Skeleton rows={10} height={28} />}
      {data && <NewRun key={data.source} form={data} />}
    </Screen>
  );
}

function NewRun({ form }: { form: Form }) {
  const navigate = useNavigate();
  const start = useMemo(() => draftsOf(form.fields, (field) => field.value as Json), [form]);
  const [drafts, setDrafts] = useState<Readonly<Record<string, Draft>>>(start);
  const [queue, setQueue] = useState(form.queue);
  const [cache, setCache] = useState(true);
  const [steps, setSteps] = useState<Overrides>({});
  const [reuse, setReuse] = useState(false);
  const [name, setName] = useState("");
  const [tags, setTags] = useState(form.tags.join(" "));
  const launch = useAct("LaunchRun");
  const id = useRef(randomWord()); // asking twice makes one run
  const own = useRef<HTMLFormElement>(null);
  const wrong = form.fields.filter((field) => wrongWith(field, drafts[field.name] ?? "") !== null);
  const different = changed(wrong.length ? [] : form.fields, drafts);
  const words = tags.split(/[\s,]+/).filter(Boolean);
  const op: Args<"LaunchRun"> = {
    source: form.source,
    parameters: different.parameters,
    ...(Object.keys(different.secrets).length && { secrets: different.secrets }),
    queue,
    ...(words.join(" ") !== form.tags.join(" ") && { tags: words }),
    ...(name.trim() && { name: name.trim() }),
    ...(Object.keys(steps).length > 0 && { steps }),
    ...(!cache && { cache: false }),
    ...(reuse && { reuse: true }),
  };
  const submit = (event?: FormEvent): void => {
    event?.preventDefault();
    if (wrong.length || form.why_not) {
      own.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus();
      return;
    }
    launch.mutate(
      { ...op, id: id.current },
      { onSuccess: (run) => void navigate({ to: "/runs/$run", params: { run: run.task.id } }) },
    );
  };
  const latest = useRef(submit);
  useEffect(() => {
    latest.current = submit;
  });
  useEffect(() => {
    const hear = (event: KeyboardEvent): void => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) latest.current();
    };
    document.addEventListener("keydown", hear);
    return () => document.removeEventListener("keydown", hear);
  }, []);

  const count = Object.keys({ ...different.parameters, ...different.secrets }).length;
  return (
    <form className="newrun" onSubmit={submit} ref={own} noValidate>
      <div className="newrun-main">
        {form.why_not && <ErrorNote error={`No new run can be made of this one: ${form.why_not}`} />}
        {launch.error && <ErrorNote error={launch.error} />}
        <section className="newrun-panel" aria-labelledby="newrun-parameters">
          <header className="newrun-panel-head">
            <h2 id="newrun-parameters">Parameters</h2>
            <span className="quiet" role="status">
              {wrong.length
                ? `${wrong.length} cannot be read`
                : count
                  ? `${count} differ${count === 1 ? "s" : ""} from ${form.name}`
                  : `as in ${form.name}`}
            </span>
            <Button
              small
              look="plain"
              icon={<RotateCcw />}
              onClick={() =>
                setDrafts(draftsOf(form.fields, (one) => (one.has_default ? one.default : one.value) as Json))
              }
            >
              Defaults
            </Button>
          </header>
          {form.fields.length === 0 && <p className="faint newrun-panel-empty">This pipeline has no parameters.</p>}
          {form.fields.map((field) => (
            <ParameterField
              key={field.name}
              field={field}
              source={form.name}
              draft={drafts[field.name] ?? ""}
              refused={refusedOf(launch.error, field)}
              onChange={(draft) => setDrafts({ ...drafts, [field.name]: draft })}
            />
          ))}
        </section>
        <section className="newrun-panel" aria-labelledby="newrun-how">
          <header className="newrun-panel-head">
            <h2 id="newrun-how">How it runs</h2>
          </header>
          <div className="newrun-how">
            <QueueField queue={queue} onChange={setQueue} />
            <Field label="Name" note="Left empty, it is named after the pipeline, with its number.">
              {(ids) => (
                <Input
                  {...ids}
                  value={name}
                  placeholder={form.pipeline}
                  onChange={(event) => setName(event.target.value)}
                />
              )}
            </Field>
            <Field label="Tags" note="Written with spaces between them.">
              {(ids) => <Input {...ids} value={tags} onChange={(event) => setTags(event.target.value)} />}
            </Field>
            <Choice
              label="Use the cache"
              note="Equal executions of earlier runs may stand for steps that allow it."
              on={cache}
              onChange={setCache}
            />
            <Choice
              label={`Reuse what ${form.name} made`}
              note="Only what depends on a change runs anew."
              on={reuse}
              onChange={setReuse}
            />
            {form.steps.length > 0 && <StepOverrides steps={form.steps} overrides={steps} onChange={setSteps} />}
          </div>
        </section>
        <Same op={op} fields={form.fields} />
      </div>
      <aside className="newrun-side" aria-label="Start">
        <SourceField form={form} />
        <p className="quiet">{form.name} stays as it is.</p>
        <div className="newrun-do">
          <Button
            look="primary"
            type="submit"
            icon={<Play />}
            hint="Ctrl ⏎"
            busy={launch.isPending}
            disabled={Boolean(form.why_not)}
          >
            Run
          </Button>
          <Button onClick={() => history.back()}>Cancel</Button>
        </div>
      </aside>
    </form>
  );
}

function draftsOf(fields: readonly FormField[], value: (field: FormField) => Json): Record<string, Draft> {
  return Object.fromEntries(fields.map((field) => [field.name, draftOf(field, value(field))]));
}

/** Return what the server says is wrong with this field. */
function refusedOf(error: unknown, field: FormField): string | null {
  if (!error) return null;
  const { message, hint } = shown(error);
  return message.includes(`parameter '${field.name}'`) ? [message, hint].filter(Boolean).join(": ") : null;
}

/** The queue, with who serves it now. */
function QueueField({ queue, onChange }: { queue: string; onChange: (queue: string) => void }) {
  const { data } = useOp("ListQueues", {});
  const comes = useAgentComes();
  const known = data ?? [];
  const chosen = known.find((one) => one.name === queue);
  const load = (one: (typeof known)[number]): string =>
    `${one.agents === 1 ? "1 agent" : `${one.agents} agents`}, ${one.waiting} waiting, ${one.running} running`;
  return (
    <div>
      <Field label="Queue">
        {(ids) => (
          <Select {...ids} value={queue} onChange={(event) => onChange(event.target.value)}>
            {!chosen && <option value={queue}>{queue}</option>}
            {known.map((one) => (
              <option key={one.name} value={one.name}>
                {one.name} ({load(one)})
              </option>
            ))}
          </Select>
        )}
      </Field>
      {chosen?.why_idle &&
        (comes && !chosen.paused ? (
          <p className="faint newrun-comes" role="status">
            {AGENT_COMES}
          </p>
        ) : (
          <p className="newrun-idle" role="status">
            {chosen.why_idle}
          </p>
        ))}
    </div>
  );
}

function Choice(props: { label: string; note: string; on: boolean; onChange: (on: boolean) => void }) {
  const { label, note, on, onChange } = props;
  return (
    <div className="newrun-choice">
      <Field label={label} note={note}>
        {(ids) => <Switch {...ids} on={on} onChange={onChange} />}
      </Field>
    </div>
  );
}

/** Which earlier run the values are taken from. */
function SourceField({ form }: { form: Form }) {
  const navigate = useNavigate();
  const fact = (name: string, value: string) => ({
    column: { type: "fact" as const, name },
    test: "=" as const,
    values: [value],
  });
  const { data } = useOp("SearchRuns", {
    where: [fact("pipeline", form.pipeline), fact("project", form.project)],
    archived: false,
    limit: 30,
  });
  const runs = data?.rows.map((row) => row.run) ?? [];
  const now = Date.now() / 1_000;
  const current = runs.find((one) => one.task.id === form.source);
  return (
    <Field label="Start from" note={current && <StatusBadge status={current.task.status} />}>
      {(ids) => (
        <Select
          {...ids}
          value={form.source}
          onChange={(event) => void navigate({ to: "/new", search: { source: event.target.value }, replace: true })}
        >
          {!current && <option value={form.source}>{form.name}</option>}
          {runs.map(({ task }) => (
            <option key={task.id} value={task.id}>
              {lookOf(task.status).glyph} {task.name}, {agoText(task.started ?? task.created, now)}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

const WAYS = [
  { name: "command", label: "Command line", write: asCommand },
  { name: "python", label: "Python", write: asPython },
  { name: "curl", label: "curl", write: asCurl },
] as const;

/** The same launch for other places. */
function Same({ op, fields }: { op: Args<"LaunchRun">; fields: readonly FormField[] }) {
  const secrets = useMemo(() => new Set(fields.flatMap((one) => (one.secret ? [one.name] : []))), [fields]);
  const [way, setWay] = useState<(typeof WAYS)[number]["name"]>("command");
  const { label, write } = WAYS.find((one) => one.name === way) ?? WAYS[0];
  return (
    <section className="newrun-panel" aria-label="The same launch elsewhere">
      <Tabs label="The same launch elsewhere" tabs={WAYS} chosen={way} onChoose={setWay}>
        <div className="newrun-same">
          <Code text={write(op, secrets)} label={label} />
        </div>
      </Tabs>
    </section>
  );
}
