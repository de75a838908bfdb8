// The address of a run's screen as its parts use it, and the second in which times are shown.
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useCallback, useSyncExternalStore } from "react";
import { clockNow, onTick } from "../../components/clock";
import type { RunAddress } from "./address";

const route = getRouteApi("/runs/$run");

/** Return what the address says, and what changes it. Opening a step can be gone back from; moving within it cannot. */
export function useAddress(): { address: RunAddress; go: (change: Partial<RunAddress>, keeps?: boolean) => void } {
  const address = route.useSearch();
  const navigate = useNavigate({ from: "/runs/$run" });
  const go = useCallback(
    (change: Partial<RunAddress>, keeps = false) => {
      void navigate({
        to: ".",
        search: (before) => ({ ...before, ...change }),
        replace: !keeps,
        resetScroll: false,
      });
    },
    [navigate],
  );
  return { address, go };
}

export function useRunId(): string {
  return route.useParams().run;
}

/** Return the present second; whoever asks is drawn anew each second while `moves`. */
export function useNow(moves: boolean): number {
  return useSyncExternalStore(moves ? onTick : still, moves ? clockNow : frozen);
}

function still(): () => void {
  return () => undefined;
}

const loaded = Date.now() / 1_000;
function frozen(): number {
  return loaded;
}

const narrow = matchMedia("(max-width: 700px)");

/** Return whether the screen is as narrow as a telephone's. */
export function useNarrow(): boolean {
  return useSyncExternalStore(
    (heard) => {
      narrow.addEventListener("change", heard);
      return () => narrow.removeEventListener("change", heard);
    },
    () => narrow.matches,
  );
}
