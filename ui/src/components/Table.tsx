import "./table.css";
import type { ReactNode } from "react";

/** A plain table for what fits on a screen. Where there may be thousands of rows, it has to be virtual: see Grid. */
export function Table({ label, compact, children }: { label: string; compact?: boolean; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className="table-scroller" aria-label={label} tabIndex={0}>
      <table className={compact ? "table compact" : "table"}>
        <caption className="unseen">{label}</caption>
        {children}
      </table>
    </section>
  );
}
