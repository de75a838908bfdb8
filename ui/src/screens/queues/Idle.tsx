import type { Queue } from "../../api/types";
import { useAgentComes } from "../../components/agents";
import { CopyButton } from "../../components/Text";

/** Why nothing is claimed from a queue, with the command that helps; nothing where agents claim. */
export function Idle({ queue }: { queue: Queue }) {
  const comes = useAgentComes();
  if (queue.paused) {
    return (
      <p className="idle" data-hue="aborted">
        <span aria-hidden="true">■</span> Paused: nothing is claimed from it
      </p>
    );
  }
  if (!queue.why_idle) return null;
  if (comes) return <p className="idle faint">An agent starts by itself when something waits</p>;
  if (!queue.waiting) return <p className="idle faint">No agent listens</p>;
  const command = agentCommand(queue.name);
  return (
    <div className="idle" data-hue="aborted">
      <span aria-hidden="true">⚠</span>
      <span>No agent listens:</span>
      <span className="idle-help">
        <code className="idle-command">{command}</code>
        <CopyButton text={command} what={`Copy the command that starts an agent for ${queue.name}`} />
      </span>
    </div>
  );
}

/** Return the command that starts an agent for a queue, as a shell reads it. */
export function agentCommand(queue: string): string {
  const quoted = /^[\w@%+=:,./-]+$/.test(queue) ? queue : `'${queue.replaceAll("'", `'"'"'`)}'`;
  return `penstock agent --queue ${quoted}`;
}
