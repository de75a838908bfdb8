import "./overlay.css";
import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { IconButton } from "./Button";

/** A dialog in front of the page. Nobody opens one but who asked for it. */
export function Dialog(props: {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode;
  /** Buttons at its foot. */
  actions?: ReactNode;
  wide?: boolean;
  children?: ReactNode;
}) {
  const { open, onClose, title, description, actions, wide, children } = props;
  return (
    <Radix.Root open={open} onOpenChange={(now) => !now && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="veil" />
        <Radix.Content
          className={wide ? "dialog wide" : "dialog"}
          {...(!description && { "aria-describedby": undefined })}
        >
          <header className="overlay-head">
            <Radix.Title>{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton label="Close" icon={<X />} />
            </Radix.Close>
          </header>
          {description && <Radix.Description className="quiet">{description}</Radix.Description>}
          {children && <div className="overlay-body">{children}</div>}
          {actions && <footer className="overlay-foot">{actions}</footer>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** A panel at the side of what it belongs to; the page beside it stays usable. Escape closes it. */
export function Drawer(props: { title: ReactNode; onClose: () => void; label?: string; children: ReactNode }) {
  const { title, onClose, label, children } = props;
  const id = useId();
  const close = useRef(onClose);
  useEffect(() => {
    close.current = onClose;
  });
  useEffect(() => {
    const before = document.activeElement;
    const hear = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("[role=dialog].dialog")) {
        close.current();
      }
    };
    document.addEventListener("keydown", hear);
    return () => {
      document.removeEventListener("keydown", hear);
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <aside className="drawer" {...(label ? { "aria-label": label } : { "aria-labelledby": id })}>
      <header className="overlay-head">
        <h2 id={id}>{title}</h2>
        <IconButton label="Close" icon={<X />} onClick={onClose} />
      </header>
      <div className="drawer-body">{children}</div>
    </aside>
  );
}
