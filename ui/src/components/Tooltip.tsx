import "./overlay.css";
import { Tooltip as Radix } from "radix-ui";
import type { ReactNode } from "react";

/** Says more about what one points at or has focused. It must add something: the words themselves stand in the page. */
export function Tooltip({ text, children }: { text: ReactNode; children: ReactNode }) {
  return (
    <Radix.Root>
      <Radix.Trigger asChild>{children}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content className="tip" sideOffset={6} collisionPadding={8}>
          {text}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** Has to be around all tooltips, once. */
export function Tooltips({ children }: { children: ReactNode }) {
  return <Radix.Provider delayDuration={400}>{children}</Radix.Provider>;
}
