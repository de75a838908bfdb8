import "./tabs.css";
import { Tabs as Radix } from "radix-ui";
import type { ReactNode } from "react";

export interface Tab<Name extends string = string> {
  name: Name;
  label: string;
  count?: number;
}

/** A row of tabs over one panel; `children` is what the chosen one shows. Which one it is belongs in the address. */
export function Tabs<Name extends string>(props: {
  tabs: readonly Tab<Name>[];
  chosen: Name;
  onChoose: (name: Name) => void;
  label: string;
  children: ReactNode;
}) {
  const { tabs, chosen, onChoose, label, children } = props;
  return (
    <Radix.Root className="tabs" value={chosen} onValueChange={(name) => onChoose(name as Name)}>
      <Radix.List className="tab-list" aria-label={label}>
        {tabs.map((one) => (
          <Radix.Trigger key={one.name} value={one.name} className="tab">
            {one.label}
            {one.count !== undefined && <span className="tab-count">{one.count}</span>}
          </Radix.Trigger>
        ))}
      </Radix.List>
      <Radix.Content value={chosen} className="tab-panel" tabIndex={-1}>
        {children}
      </Radix.Content>
    </Radix.Root>
  );
}
