import { useMemo, useState } from "react";
import { clockNow } from "../../components/clock";
import { Input, Select } from "../../components/Field";
import { BY_URGENCY, type GraphStep, seconds } from "../../graph/steps";
import { StepList } from "./StepList";
import { isLive } from "./steps";
import type { RunView } from "./view";

const ORDERS = {
  graph: "As in the graph",
  worst: "Failed first",
  longest: "Longest first",
  name: "By name",
} as const;
type Order = keyof typeof ORDERS;

/** All steps as a list, to be filtered and sorted. */
export function StepsTab(props: { view: RunView; chosen?: string | undefined; onChoose: (step: string) => void }) {
  const { view, chosen, onChoose } = props;
  const [text, setText] = useState("");
  const [order, setOrder] = useState<Order>("graph");
  const { steps } = view;
  const shown = useMemo(() => {
    const wanted = text.toLowerCase();
    const found = steps.filter((step) => step.name.toLowerCase().includes(wanted) || step.status === wanted);
    return order === "graph" ? found : found.toSorted(comparisons[order]);
  }, [steps, text, order]);
  return (
    <div className="steps-tab">
      <div className="tab-tools">
        <Input
          aria-label="Filter by name or status"
          placeholder="Filter by name or status"
          type="search"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <Select aria-label="Order" value={order} onChange={(event) => setOrder(event.target.value as Order)}>
          {Object.entries(ORDERS).map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </Select>
        <span className="faint">
          {shown.length === steps.length ? `${steps.length} steps` : `${shown.length} of ${steps.length} steps`}
        </span>
      </div>
      <StepList
        isLive={isLive(view)}
        steps={shown}
        chosen={chosen}
        onChoose={onChoose}
        indent={order === "graph" && !text}
      />
    </div>
  );
}

const comparisons: Record<Exclude<Order, "graph">, (a: GraphStep, b: GraphStep) => number> = {
  worst: (a, b) => BY_URGENCY.indexOf(b.status) - BY_URGENCY.indexOf(a.status),
  longest: (a, b) => (seconds(b, clockNow()) ?? -1) - (seconds(a, clockNow()) ?? -1),
  name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
};
