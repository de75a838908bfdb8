import "./agents.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { act, attempt } from "../../api/act";
import { opQuery, useOp } from "../../api/queries";
import type { Agent, Task } from "../../api/types";
import { Ask } from "../../components/Ask";
import { Button } from "../../components/Button";
import { Field, Input } from "../../components/Field";
import { Table } from "../../components/Table";
import { TaskName } from "../../components/TaskName";
import { Code, EmptyState, ErrorNote, Middle, Skeleton, Tag } from "../../components/Text";
import { Ago } from "../../components/Time";
import { useRows } from "../../shell/rows";
import { Screen } from "../../shell/Screen";
import { Gauge } from "./Gauge";
import { stateOf } from "./state";

const AGAIN = 5_000; // milliseconds: that an agent was heard of is no change that anybody is told of

/** The agents that live: what they do, what they serve, and whether they leave. */
export function AgentsScreen() {
  const { data: agents, error, refetch } = useQuery({ ...opQuery("ListAgents", {}), refetchInterval: AGAIN });
  const ids = [...new Set(agents?.flatMap((one) => one.tasks) ?? [])].sort();
  const { data: tasks } = useOp("ListTasks", { ids }, { enabled: ids.length > 0, keepPrevious: true });
  const [draining, setDraining] = useState<Agent | null>(null);
  const [forgetting, setForgetting] = useState<Agent | null>(null);
  const list = useRows();
  return (
    <Screen title="Agents">
      <div ref={list}>
        {error && <ErrorNote error={error} again={() => void refetch()} />}
        {!agents && !error && <Skeleton rows={4} />}
        {agents?.length === 0 && <NoAgents />}
        {agents && agents.length > 0 && (
          <div className="stacks">
            <Table label="Agents">
              <thead>
                <tr>
                  <th>Agent</th>
                  <th>Carries out</th>
                  <th>Queues</th>
                  <th>Machine uses</th>
                  <th className="number">Heard of</th>
                  <th>
                    <span className="unseen">What to do</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {agents.map((agent) => (
                  <AgentRow
                    key={agent.name}
                    agent={agent}
                    tasks={agent.tasks.map((id) => tasks?.find((one) => one.id === id) ?? id)}
                    onDrain={() => setDraining(agent)}
                    onForget={() => setForgetting(agent)}
                  />
                ))}
              </tbody>
            </Table>
          </div>
        )}
      </div>
      {draining && <Drain agent={draining} onClose={() => setDraining(null)} />}
      {forgetting && <Forget agent={forgetting} onClose={() => setForgetting(null)} />}
    </Screen>
  );
}

function NoAgents() {
  return (
    <EmptyState title="No agent lives">
      <p>An agent claims tasks from queues and carries them out. Start one on any machine that reaches this server:</p>
      <Code label="Start an agent" text="penstock agent --queue default" />
      <p>It appears here as soon as it has started.</p>
    </EmptyState>
  );
}

function AgentRow(props: { agent: Agent; tasks: (Task | string)[]; onDrain: () => void; onForget: () => void }) {
  const { agent, tasks, onDrain, onForget } = props;
  const state = stateOf(agent);
  const usage = Object.entries(agent.usage);
  const goOn = (): void =>
    void attempt(act("DrainAgent", { name: agent.name, draining: false }, "ListAgents"), `${agent.name} goes on`);
  return (
    <tr data-row>
      <td className="agent">
        <p className="strong">
          <Middle text={agent.name} />
        </p>
        <p className="agent-state" data-hue={state.hue}>
          <span aria-hidden="true">{state.glyph}</span> {state.word}
          {agent.why && <span className="quiet">: {agent.why}</span>}
        </p>
        <p className="faint agent-place">
          {agent.process.host}, process {agent.process.pid}
        </p>
      </td>
      <td data-label="Carries out">
        {tasks.length === 0 && <span className="faint">nothing</span>}
        <ul className="agent-tasks">
          {tasks.map((one) => (
            <li key={typeof one === "string" ? one : one.id}>
              {typeof one === "string" ? <span className="mono faint">{one.slice(0, 8)}</span> : <TaskName {...one} />}
            </li>
          ))}
        </ul>
      </td>
      <td data-label="Serves">
        {agent.queues.length === 0 ? (
          <span className="quiet">all</span>
        ) : (
          agent.queues.map((queue) => (
            <Link key={queue} to="/queues" search={{ queue }} className="agent-queue">
              <Tag text={queue} />
            </Link>
          ))
        )}
      </td>
      <td data-label="Uses" className={usage.length ? undefined : "when-wide"}>
        {usage.length === 0 && <span className="faint">not recorded</span>}
        <div className="gauges">
          {usage.map(([name, percent]) => (
            <Gauge key={name} name={name} percent={percent} />
          ))}
        </div>
      </td>
      <td className="number" data-label="Heard of">
        <Ago at={agent.seen} />
      </td>
      <td>
        <div className="row-actions">
          {agent.draining ? (
            <Button small onClick={goOn} aria-label={`Let ${agent.name} go on`}>
              Go on
            </Button>
          ) : (
            <Button small onClick={onDrain} aria-label={`Drain ${agent.name}`}>
              Drain
            </Button>
          )}
          <Button small look="plain" onClick={onForget} aria-label={`Forget ${agent.name}`}>
            Forget
          </Button>
        </div>
      </td>
    </tr>
  );
}

function Drain({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const [why, setWhy] = useState("");
  return (
    <Ask
      title={`Drain ${agent.name}`}
      description="It finishes what it carries out, claims nothing more, and leaves."
      action="Drain agent"
      onClose={onClose}
      run={() => act("DrainAgent", { name: agent.name, why }, "ListAgents")}
    >
      <Field label="Why" note="Shown to everybody who looks at it.">
        {(ids) => <Input {...ids} value={why} maxLength={500} onChange={(event) => setWhy(event.target.value)} />}
      </Field>
    </Ask>
  );
}

function Forget({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const holds = agent.tasks.length;
  return (
    <Ask
      title={`Forget ${agent.name}?`}
      description={
        holds
          ? `For one whose machine is gone: the ${holds === 1 ? "task" : `${holds} tasks`} that it holds are handed back or end. One that still lives appears again.`
          : "For one whose machine is gone. One that still lives appears again."
      }
      action="Forget agent"
      danger
      onClose={onClose}
      run={() => act("ForgetAgent", { name: agent.name }, "ListAgents")}
    />
  );
}
