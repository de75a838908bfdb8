// Who comes for what waits in a queue that nobody serves.
import { useOp } from "../api/queries";

const isAttended = document.querySelector<HTMLMetaElement>('meta[name="agents"]')?.content === "start";

/** Return whether an agent starts by itself on the server's machine: under `penstock ui`, while none lives there. */
export function useAgentComes(): boolean {
  const { data } = useOp("ListAgents", {}, { enabled: isAttended });
  return isAttended && data?.length === 0;
}

/** What is said of a queue then. */
export const AGENT_COMES = "No agent runs now: one starts by itself on this machine as soon as something waits.";
