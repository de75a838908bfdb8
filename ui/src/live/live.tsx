// The stream of changes in the page: keeps the query cache true, and says whether it is connected.
import type { QueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from "react";
import { queryClient } from "../api/queries";
import type { Change } from "../api/types";
import { isConcerned, patchRun } from "./concerns";
import { type LiveState, listen } from "./feed";

const PAUSE = 250; // milliseconds between two times of asking again: at most four in a second, however much happens

const listeners = new Set<(changes: Change[]) => void>();
const State = createContext<LiveState>("connecting");

/** Keeps everything below it live. */
export function Live({ children }: { children: ReactNode }) {
  const [state, setState] = useState<LiveState>("connecting");
  useEffect(() => {
    const asked = askAgain(queryClient);
    return listen({
      changes(changes) {
        patchRun(queryClient, changes);
        for (const one of listeners) one(changes);
        asked(changes);
      },
      missed() {
        void queryClient.invalidateQueries();
      },
      state: setState,
    });
  }, []);
  return <State value={state}>{children}</State>;
}

/** Return whether the page hears of changes. */
export function useLiveState(): LiveState {
  return useContext(State);
}

/** Hear of changes as they come, in the order in which they were made. */
export function useChanges(hear: (changes: Change[]) => void): void {
  const latest = useRef(hear);
  useEffect(() => {
    latest.current = hear;
  });
  useEffect(() => {
    const own = (changes: Change[]): void => latest.current(changes);
    listeners.add(own);
    return () => {
      listeners.delete(own);
    };
  }, []);
}

/** Return what has queries asked again that changes concern: at once, and then no more than four times a second. */
export function askAgain(client: QueryClient): (changes: Change[]) => void {
  let gathered: Change[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const go = (): void => {
    const some = gathered;
    gathered = [];
    timer = undefined;
    if (!some.length) return;
    void client.invalidateQueries({ predicate: (query) => isConcerned(query.queryKey, some) });
    timer = setTimeout(go, PAUSE);
  };
  return (changes) => {
    gathered.push(...changes);
    if (timer === undefined) timer = setTimeout(go, 20);
  };
}
