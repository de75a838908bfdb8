import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { allowed, NARROWEST, WIDEST } from "./widths";

const STEP = 8; // pixels for which a key moves the edge
const STRIDE = 40; // with Shift

/**
 * The right edge of a column's head: it is dragged, moved by the arrow keys, and fits the column to what is in it by a
 * double click or Enter. `onWidth` hears of every width, `onDone` of the one that is meant.
 */
export function Resizer(props: {
  label: string;
  /** Returns how wide the column is now. */
  now: () => number;
  /** Returns how wide it has to be for all that is drawn. */
  fitting: () => number;
  onWidth: (width: number) => void;
  onDone: (width: number) => void;
}) {
  const { label, now, fitting, onWidth, onDone } = props;
  const from = useRef<{ x: number; width: number; moved: number }>(undefined);
  const own = useRef<HTMLSpanElement>(null);
  const begin = (event: PointerEvent<HTMLSpanElement>): void => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const width = now();
    from.current = { x: event.clientX, width, moved: width };
  };
  const move = (event: PointerEvent<HTMLSpanElement>): void => {
    const { current } = from;
    if (!current) return;
    current.moved = allowed(current.width + event.clientX - current.x);
    if (current.moved !== now()) onWidth(current.moved);
  };
  const end = (): void => {
    const { current } = from;
    from.current = undefined;
    if (current && current.moved !== current.width) onDone(current.moved);
  };
  const widthAfter = (key: string, step: number): number | undefined => {
    if (key === "ArrowLeft") return now() - step;
    if (key === "ArrowRight") return now() + step;
    if (key === "Home") return NARROWEST;
    return key === "Enter" ? fitting() : undefined;
  };
  const press = (event: KeyboardEvent<HTMLSpanElement>): void => {
    const wanted = widthAfter(event.key, event.shiftKey ? STRIDE : STEP);
    if (wanted === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    onDone(allowed(wanted));
  };
  return (
    <span
      ref={own}
      className="grid-edge"
      role="separator"
      aria-orientation="vertical"
      aria-label={`Width of ${label}`}
      aria-valuemin={NARROWEST}
      aria-valuemax={WIDEST}
      aria-valuenow={NARROWEST}
      tabIndex={0}
      title="Drag to resize, double-click to fit"
      onFocus={() => own.current?.setAttribute("aria-valuenow", String(now()))}
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={end}
      onKeyDown={press}
      onDoubleClick={() => onDone(allowed(fitting()))}
    />
  );
}
