import { Link } from "@tanstack/react-router";
import { Middle } from "./Text";

/** The name of a task, as a link to it: of a run and of an attempt of a step to the run. */
export function TaskName(props: { id: string; name: string; type: string; run: string | null; step?: string | null }) {
  const { id, name, type, run, step } = props;
  if (run === null && type !== "controller") {
    return (
      <Link to="/tasks/$task" params={{ task: id }} data-opens>
        <Middle text={name} />
      </Link>
    );
  }
  return (
    <Link to="/runs/$run" params={{ run: run ?? id }} search={step ? { step } : {}} data-opens>
      <Middle text={name} />
    </Link>
  );
}
