import "./toast.css";
import { X } from "lucide-react";
import { useSyncExternalStore } from "react";
import { shown } from "../api/errors";
import { Button, IconButton } from "./Button";

export interface Toast {
  id: number;
  text: string;
  hint?: string | null;
  failed?: boolean;
  action?: { label: string; run: () => void };
}

const STAYS = 6_000; // milliseconds; what went wrong stays until it is closed
let toasts: readonly Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const heard of listeners) heard();
}

/** Say something at the edge of the page, for example that something was done, and how it is undone. */
export function toast(text: string, more: Omit<Toast, "id" | "text"> = {}): void {
  const id = ++last;
  set([...toasts.slice(-3), { id, text, ...more }]);
  if (!more.failed) setTimeout(() => close(id), STAYS);
}

/** Say what went wrong. */
export function toastError(error: unknown): void {
  const found = shown(error);
  toast(found.message, { hint: found.hint, failed: true });
}

function close(id: number): void {
  set(toasts.filter((one) => one.id !== id));
}

/** Where they appear; once in the page. */
export function Toasts() {
  const all = useSyncExternalStore(
    (heard) => {
      listeners.add(heard);
      return () => listeners.delete(heard);
    },
    () => toasts,
  );
  return (
    <section className="toasts" aria-label="Messages" aria-live="polite">
      {all.map((one) => (
        <div
          key={one.id}
          className="toast"
          data-failed={one.failed || undefined}
          role={one.failed ? "alert" : "status"}
        >
          <p>
            {one.text}
            {one.hint && <span className="quiet"> {one.hint}</span>}
          </p>
          {one.action && (
            <Button
              small
              onClick={() => {
                one.action?.run();
                close(one.id);
              }}
            >
              {one.action.label}
            </Button>
          )}
          <IconButton label="Close message" icon={<X />} onClick={() => close(one.id)} />
        </div>
      ))}
    </section>
  );
}
