// Moving what waits in a queue: by dragging its handle, and by Alt with the arrows.
import { type PointerEvent, useLayoutEffect, useRef, useState } from "react";
import { act, attempt } from "../../api/act";
import { queryClient } from "../../api/queries";
import type { Entry } from "../../api/types";
import { moved } from "./order";

export const ROW = 52; // pixels; what is dragged by so much has passed one other

export interface Drag {
  task: string;
  from: number;
  to: number;
  /** How far it was dragged, in pixels. */
  by: number;
}

/** Return what is being dragged, what moves, and what has to be said of it to those who do not see it. */
export function useOrder(queue: string, entries: readonly Entry[]) {
  const [drag, setDrag] = useState<Drag | null>(null);
  const [said, setSaid] = useState("");
  const start = useRef(0);
  const focus = useFocusAfter(entries);

  const move = (task: string, to: number): void => {
    const from = entries.findIndex((one) => one.task === task);
    const place = Math.max(0, Math.min(entries.length - 1, to));
    const entry = entries[from];
    if (!entry || from === place) return;
    focus.keep(task);
    queryClient.setQueryData(["ListEntries", { queue }], moved(entries, from, place));
    setSaid(`${entry.name} is at place ${place + 1} of ${entries.length}`);
    void attempt(act("MoveEntry", { task, place }, "ListEntries"));
  };

  const handle = (task: string, from: number) => ({
    onPointerDown(event: PointerEvent<HTMLElement>) {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      start.current = event.clientY;
      setDrag({ task, from, to: from, by: 0 });
    },
    onPointerMove(event: PointerEvent<HTMLElement>) {
      if (drag?.task !== task) return;
      const by = event.clientY - start.current;
      const to = Math.max(0, Math.min(entries.length - 1, drag.from + Math.round(by / ROW)));
      setDrag({ ...drag, by, to });
    },
    onPointerUp() {
      if (drag?.task !== task) return;
      setDrag(null);
      move(task, drag.to);
    },
    onPointerCancel() {
      setDrag(null);
    },
  });

  return { drag, said, move, handle, say: setSaid };
}

/** Keep the focus on what was moved: the page takes it from its old place to its new one, and loses it there. */
function useFocusAfter(entries: readonly Entry[]): { keep: (task: string) => void } {
  const wanted = useRef<string | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once the order is another one
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    document.querySelector<HTMLElement>(`[data-task="${CSS.escape(wanted.current)}"] [data-handle]`)?.focus();
    wanted.current = null;
  }, [entries]);
  return {
    keep(task) {
      const row = document.querySelector(`[data-task="${CSS.escape(task)}"]`);
      if (row?.contains(document.activeElement)) wanted.current = task;
    },
  };
}
