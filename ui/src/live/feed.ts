// The stream of changes: one connection for all tabs of a browser. The tab that holds the lock is the leader: it has the
// connection and hands what comes to the others over a channel. When it closes, another one takes the lock and goes on
// from the last change that it has seen itself, so that nothing is missed.
//
// Where the browser has no locks (a page over plain http from another machine), each tab asks now and then instead: a
// connection in every tab would leave none for the requests of the seventh.
import { call } from "../api/call";
import { Unauthenticated } from "../api/errors";
import type { Change } from "../api/types";
import { at, base, logIn } from "../place";

export type LiveState = "connecting" | "live" | "reconnecting";

type Message =
  | { type: "changes"; changes: Change[] }
  | { type: "state"; state: LiveState }
  | { type: "missed" } // the server's feed is another one now: whatever is known may be wrong
  | { type: "hello" };

const NAME = `penstock-live:${base}`;
const GATHER = 40; // milliseconds for which changes are gathered before they are told
const ASK = 3_000; // milliseconds between two questions where there is no stream
const WATCH = 10_000;
const ASLEEP = 120_000; // milliseconds without a tick of the clock that say that the machine slept
const ANSWER = 8_000; // milliseconds for a proof that the server is there
const SLOWEST = 15_000;

export interface Listener {
  changes(changes: Change[]): void;
  missed(): void;
  state(state: LiveState): void;
}

/** Listen to the changes until the returned function is called. */
export function listen(listener: Listener): () => void {
  const ending = new AbortController();
  const seen = { seq: -1 };
  const channel = new BroadcastChannel(NAME);
  let state: LiveState = "connecting";
  let leads = false;

  const hear = (message: Message): void => {
    if (message.type === "changes") {
      const fresh = message.changes.filter((one) => one.seq > seen.seq);
      const last = fresh.at(-1);
      if (!last) return;
      seen.seq = last.seq;
      listener.changes(fresh);
    } else if (message.type === "state") {
      state = message.state;
      listener.state(state);
    } else if (message.type === "missed") {
      listener.missed();
    }
  };
  const tell = (message: Message): void => {
    hear(message);
    channel.postMessage(message);
  };
  channel.onmessage = (event: MessageEvent<Message>) => {
    if (event.data.type !== "hello") hear(event.data);
    else if (leads) channel.postMessage({ type: "state", state } satisfies Message);
  };

  void (async () => {
    seen.seq = await lastChange(ending.signal);
    channel.postMessage({ type: "hello" } satisfies Message);
    if (!navigator.locks) {
      await ask(seen, hear, ending.signal);
      return;
    }
    await navigator.locks.request(NAME, { signal: ending.signal }, async () => {
      leads = true;
      await follow(seen, tell, ending.signal);
    });
  })().catch((error: unknown) => {
    if (!ending.signal.aborted) throw error;
  });

  return () => {
    ending.abort();
    channel.close();
  };
}

/** Return the number of the newest change, however long the server takes to answer. */
async function lastChange(signal: AbortSignal): Promise<number> {
  for (let tried = 0; ; tried++) {
    try {
      return await call("LastChange", {}, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      if (error instanceof Unauthenticated) logIn();
      await pause(wait(tried), signal);
    }
  }
}

/** Hold the connection, and open it again whenever it breaks. */
async function follow(seen: { seq: number }, tell: (message: Message) => void, signal: AbortSignal): Promise<void> {
  for (let tried = 0; !signal.aborted; tried++) {
    const opened = await stream(seen, tell, signal);
    if (signal.aborted) return;
    tell({ type: "state", state: "reconnecting" });
    if (opened) tried = 0;
    await pause(wait(tried), signal);
    const now = await lastChange(signal);
    if (now < seen.seq) {
      seen.seq = now;
      tell({ type: "missed" });
    }
  }
}

/** Read one connection to its end; return whether it was ever open. */
function stream(seen: { seq: number }, tell: (message: Message) => void, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const source = new EventSource(at(`api/v1/changes/stream?after=${seen.seq}`));
    let opened = false;
    let gathered: Change[] = [];
    let ticked = Date.now();
    const flush = (): void => {
      const some = gathered;
      gathered = [];
      if (some.length) tell({ type: "changes", changes: some });
    };
    const end = (): void => {
      source.close();
      clearInterval(watch);
      signal.removeEventListener("abort", end);
      flush();
      resolve(opened);
    };
    // A machine that slept, or a network that was cut, leaves a connection that nobody serves, and nothing says so. The
    // server wants to hear of us, too: what was lost with an agent, it decides only while somebody reaches it.
    const watch = setInterval(() => {
      if (Date.now() - ticked > ASLEEP) end();
      else call("LastChange", {}, AbortSignal.timeout(ANSWER)).catch(end);
      ticked = Date.now();
    }, WATCH);
    source.onopen = () => {
      opened = true;
      tell({ type: "state", state: "live" });
    };
    source.addEventListener("change", (event: MessageEvent<string>) => {
      if (!gathered.length) setTimeout(flush, GATHER);
      gathered.push(JSON.parse(event.data) as Change);
    });
    source.onerror = end; // we open the next one ourselves: a browser gives up after an answer such as 502
    signal.addEventListener("abort", end);
  });
}

/** Ask for changes now and then. */
async function ask(seen: { seq: number }, hear: (message: Message) => void, signal: AbortSignal): Promise<void> {
  for (let tried = 0; !signal.aborted; ) {
    try {
      const changes = await call("ListChanges", { after: seen.seq, limit: 1_000 }, signal);
      tried = 0;
      hear({ type: "state", state: "live" });
      hear({ type: "changes", changes });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Unauthenticated) logIn();
      hear({ type: "state", state: "reconnecting" });
      tried++;
    }
    await pause(ASK + wait(tried), signal);
  }
}

function wait(tried: number): number {
  return tried === 0 ? 0 : Math.min(SLOWEST, 500 * 2 ** (tried - 1)) * (0.5 + Math.random() / 2);
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", done);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", done, { once: true });
  });
}
