import { useState } from "react";
import type { Answer, Args } from "../../api/call";
import { useOp } from "../../api/queries";
import { Input, Select } from "../../components/Field";

export type Overrides = NonNullable<Args<"LaunchRun">["steps"]>;
type Step = NonNullable<Answer<"GetLaunchForm">["steps"]>[number];

const MOST = 60; // steps that are shown at once
const FEW = 12; // steps among which one finds one without letters

/** What is other for single steps of the new run: their queue, and whether an equal execution may stand for them. */
export function StepOverrides(props: {
  steps: readonly Step[];
  overrides: Overrides;
  onChange: (overrides: Overrides) => void;
}) {
  const { steps, overrides, onChange } = props;
  const [open, setOpen] = useState(false);
  const [letters, setLetters] = useState("");
  const count = Object.keys(overrides).length;
  const found = steps.filter((one) => one.name.toLowerCase().includes(letters.trim().toLowerCase()));
  const change = (name: string, more: Overrides[string]): void => {
    const { [name]: before, ...others } = overrides;
    const { queue, cache } = { ...before, ...more };
    const now = { ...(queue != null && { queue }), ...(cache != null && { cache }) };
    onChange(Object.keys(now).length ? { ...others, [name]: now } : others);
  };
  return (
    <details className="newrun-steps" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Per-step overrides
        {count > 0 && <span className="quiet"> of {count === 1 ? "1 step" : `${count} steps`}</span>}
      </summary>
      {open && (
        <>
          {steps.length > FEW && (
            <Input
              aria-label="Find a step"
              placeholder="Find a step"
              value={letters}
              onChange={(event) => setLetters(event.target.value)}
            />
          )}
          <ul>
            {found.slice(0, MOST).map((step) => (
              <StepRow
                key={step.name}
                step={step}
                override={overrides[step.name]}
                onChange={(more) => change(step.name, more)}
              />
            ))}
          </ul>
          {found.length > MOST && <p className="faint">{found.length - MOST} more: write a part of their names.</p>}
        </>
      )}
    </details>
  );
}

function StepRow(props: {
  step: Step;
  override: Overrides[string] | undefined;
  onChange: (more: Overrides[string]) => void;
}) {
  const { step, override, onChange } = props;
  const { data: queues } = useOp("ListQueues", {});
  const { queue, cache } = override ?? {};
  return (
    <li className="newrun-step" data-step={step.name} data-changed={override ? true : undefined}>
      <span className="mono cut" title={step.name}>
        {step.name}
      </span>
      <Select
        aria-label={`Queue of ${step.name}`}
        value={queue ?? ""}
        onChange={(event) => onChange({ queue: event.target.value || null })}
      >
        <option value="">{step.queue ? `as it is: ${step.queue}` : "as its script says"}</option>
        {queues?.map((one) => (
          <option key={one.name} value={one.name}>
            {one.name}
          </option>
        ))}
      </Select>
      <Select
        aria-label={`Caching of ${step.name}`}
        value={cache == null ? "" : cache ? "on" : "off"}
        onChange={(event) => onChange({ cache: event.target.value ? event.target.value === "on" : null })}
      >
        <option value="">as it is: cache {step.cache ? "on" : "off"}</option>
        <option value="on">cache on</option>
        <option value="off">cache off</option>
      </Select>
    </li>
  );
}
