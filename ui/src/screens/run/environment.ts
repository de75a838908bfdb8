// What a task ran in, as names and texts that can be compared.
import type { Task } from "../../api/types";

type Facts = Pick<Task, "script" | "container" | "worker" | "runtime">;

/** Return Python, packages, container, code and machine of a task; a package is a name of its own. */
export function environmentOf({ script, container, worker, runtime }: Facts): Map<string, string> {
  const found = new Map<string, string>();
  const add = (name: string, value: string | null | undefined) => value && found.set(name, value);
  add("Python", script.interpreter);
  for (const line of script.packages ?? []) {
    const [, name = line, version = ""] = /^([A-Za-z0-9._-]+(?:\[[^\]]*\])?)\s*(.*)$/.exec(line) ?? [];
    add(`package ${name}`, version || "any version");
  }
  add("container", container?.image);
  add("container arguments", container?.arguments);
  add("container set-up", container?.setup_script);
  add("repository", script.repository);
  add("commit", script.commit);
  add("machine", worker?.host);
  add("environment", runtime.environment);
  if (!script.packages) add("packages", "those of whoever ran it");
  return found;
}
