import type { ReactNode } from "react";

/** A text as it is, which scrolls by itself. */
export function TextBlock({
  label,
  look = "traceback",
  children,
}: {
  label: string;
  look?: string;
  children: ReactNode;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className={look} tabIndex={0} aria-label={label}>
      <pre>{children}</pre>
    </section>
  );
}
