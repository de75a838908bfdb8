import "./palette.css";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import { StatusBadge } from "../../components/StatusBadge";
import { Key, Middle } from "../../components/Text";
import { bestOf } from "./fuzzy";
import { actions, found, type Item, isId, recorded, withId } from "./items";
import { recent, remember } from "./recent";

const EACH = 6; // of a group, at most so many
const WAITS = 150; // milliseconds of not typing, after which the server is asked, too

/** Finds anything by some of its letters: pipelines, runs, queues, agents, screens, actions; and whatever has an id. */
export function Palette({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const groups = useFound(typed.trim());
  const items = groups.flatMap((one) => one.items);
  const place = Math.min(at, items.length - 1);
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever another one is chosen
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [place]);
  const choose = (item: Item | undefined): void => {
    if (!item) return;
    onClose();
    remember(item);
    if (typeof item.go === "function") item.go();
    else void navigate(item.go as Parameters<typeof navigate>[0]);
  };
  const press = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = {
      ArrowDown: place + 1,
      ArrowUp: place - 1,
      PageDown: place + 8,
      PageUp: place - 8,
    };
    const next = steps[event.key];
    if (next !== undefined) {
      event.preventDefault();
      setAt(Math.max(0, Math.min(items.length - 1, next)));
    } else if (event.key === "Enter" && !event.nativeEvent.isComposing) {
      event.preventDefault();
      choose(items[place]);
    }
  };
  let count = 0;
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="veil" />
        <Radix.Content className="dialog palette" aria-describedby={undefined}>
          <Radix.Title className="unseen">Find anything</Radix.Title>
          <div className="palette-box">
            <Search aria-hidden="true" />
            <input
              role="combobox"
              aria-label="Find anything"
              aria-expanded="true"
              aria-controls={`${id}-list`}
              aria-activedescendant={items.length ? `${id}-${place}` : undefined}
              aria-autocomplete="list"
              autoComplete="off"
              spellCheck={false}
              placeholder="Find anything, or paste an id"
              value={typed}
              onChange={(event) => {
                setTyped(event.target.value);
                setAt(0);
              }}
              onKeyDown={press}
            />
          </div>
          <div className="palette-list" id={`${id}-list`} role="listbox" aria-label="Found" ref={list}>
            {groups.map(({ group, items: some }) => (
              <div key={group} role="group" aria-label={group}>
                <div className="palette-group" aria-hidden="true">
                  {group}
                </div>
                {some.map((item) => {
                  const own = count++;
                  return (
                    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are heard by the box above, which has focus
                    <div
                      key={item.key}
                      id={`${id}-${own}`}
                      role="option"
                      tabIndex={-1}
                      aria-selected={own === place}
                      className="palette-item"
                      onPointerMove={() => setAt(own)}
                      onClick={() => choose(item)}
                    >
                      {item.status && <StatusBadge small status={item.status} />}
                      <span className="palette-text">
                        <Middle text={item.text} />
                      </span>
                      {item.note && <span className="palette-note cut">{item.note}</span>}
                      {item.keys?.split(" ").map((one) => (
                        <Key key={one}>{one}</Key>
                      ))}
                    </div>
                  );
                })}
              </div>
            ))}
          </div>
          {items.length === 0 && <p className="palette-none quiet">Nothing found</p>}
          <p className="unseen" role="status">
            {items.length} found
          </p>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** Return what fits what is typed, in groups, the group of what fits best first. */
function useFound(typed: string): { group: string; items: Item[] }[] {
  const known = useQuery({ queryKey: ["palette"], queryFn: recorded, staleTime: 5_000, gcTime: 60_000 }).data;
  const asked = useCalm(typed);
  const more = useQuery({
    queryKey: ["palette", asked],
    queryFn: () => (isId(asked) ? withId(asked) : found(asked)),
    enabled: asked.length > 1,
    staleTime: 5_000,
    gcTime: 60_000,
  }).data;
  return useMemo(() => {
    const own = [...actions(), ...(known ?? [])];
    if (!typed) return grouped([...recent(own), ...actions()], 12);
    const byId = isId(typed) ? (more ?? []) : [];
    const keys = new Set(own.map((one) => one.key));
    const others = isId(typed) ? [] : (more ?? []).filter((one) => !keys.has(one.key));
    const best = bestOf(typed, own, (one) => `${one.text} ${one.note ?? ""}`, 60);
    return grouped([...byId, ...best, ...others], EACH);
  }, [known, more, typed]);
}

function grouped(items: readonly Item[], each: number): { group: string; items: Item[] }[] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const some = groups.get(item.group) ?? [];
    if (some.length < each) some.push(item);
    groups.set(item.group, some);
  }
  return [...groups].map(([group, some]) => ({ group, items: some }));
}

/** Return a text once it has rested for a moment. */
function useCalm(text: string): string {
  const [calm, setCalm] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setCalm(text), WAITS);
    return () => clearTimeout(timer);
  }, [text]);
  return calm;
}
