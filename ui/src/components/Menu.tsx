import "./overlay.css";
import { Check } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import type { ReactNode } from "react";

/** A menu that a button opens. */
export function Menu({ trigger, children, label }: { trigger: ReactNode; children: ReactNode; label?: string }) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content className="menu" align="start" sideOffset={4} collisionPadding={8} aria-label={label}>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function MenuItem(props: {
  onSelect?: () => void;
  icon?: ReactNode;
  note?: ReactNode;
  danger?: boolean;
  disabled?: boolean;
  /** Whether it is what is chosen now; leave it out where nothing is chosen. */
  chosen?: boolean;
  /** Keeps the menu open, for choosing several. */
  stays?: boolean;
  /** With it, `children` is one link. */
  asChild?: boolean;
  children: ReactNode;
}) {
  const { onSelect, icon, note, danger, disabled, chosen, stays, asChild, children } = props;
  const select = (event: Event): void => {
    if (stays) event.preventDefault();
    onSelect?.();
  };
  const shared = { className: "menu-item", disabled: disabled ?? false, "data-look": danger ? "danger" : undefined };
  if (asChild) {
    return (
      <Radix.Item asChild {...shared} onSelect={select}>
        {children}
      </Radix.Item>
    );
  }
  const inside = (
    <>
      {icon}
      <span className="cut">{children}</span>
      {note && <span className="menu-note">{note}</span>}
    </>
  );
  if (chosen === undefined) {
    return (
      <Radix.Item {...shared} onSelect={select}>
        {inside}
      </Radix.Item>
    );
  }
  return (
    <Radix.CheckboxItem {...shared} checked={chosen} onSelect={select}>
      <span className="menu-mark">{chosen && <Check />}</span>
      {inside}
    </Radix.CheckboxItem>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <Radix.Label className="menu-label">{children}</Radix.Label>;
}

export function MenuLine() {
  return <Radix.Separator className="menu-line" />;
}
