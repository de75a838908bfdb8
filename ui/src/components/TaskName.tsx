import { Link } from "@tanstack/react-router";
import { Middle } from "./Text";

/** The name of a task. Of a run and of an attempt of a step it leads to the run. */
export function TaskName(props: { id: string; name: string; type: string; run: string | null }) {
  const { id, name, type, run } = props;
  const leads = run ?? (type === "controller" ? id : null);
  if (leads === null) {
    return (
      <span className="middle" data-opens tabIndex={-1}>
        <Middle text={name} />
      </span>
    );
  }
  return (
    <Link to="/runs/$run" params={{ run: leads }} data-opens>
      <Middle text={name} />
    </Link>
  );
}
