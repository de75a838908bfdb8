/** Turns what a mouse, a finger or two, or a wheel does into moving and enlarging. */

export interface Point {
  x: number;
  y: number;
}

interface Listener {
  pan: (x: number, y: number) => void;
  zoom: (factor: number, at: Point) => void;
  /** Somebody clicked on something that is no element. */
  tap: (at: Point) => void;
  /** The mouse is over a point, or left. */
  hover: (at: Point | null) => void;
}

/** Nearer than this, in pixels, a press is a click and no drag. */
const STILL = 4;

export class Gestures {
  /** Whether the last press was a drag, so that the click after it means nothing. */
  moved = false;
  readonly #host: HTMLElement;
  readonly #listener: Listener;
  readonly #pointers = new Map<number, Point>();
  #start: Point = { x: 0, y: 0 };
  readonly #over = new AbortController();

  constructor(host: HTMLElement, listener: Listener) {
    this.#host = host;
    this.#listener = listener;
    const { signal } = this.#over;
    host.addEventListener("pointerdown", this.#down, { signal });
    host.addEventListener("pointermove", this.#move, { signal });
    host.addEventListener("pointerup", this.#up, { signal });
    host.addEventListener("pointercancel", this.#up, { signal });
    host.addEventListener("pointerleave", () => listener.hover(null), { signal });
    host.addEventListener("wheel", this.#wheel, { signal, passive: false });
  }

  stop(): void {
    this.#over.abort();
  }

  #point(event: MouseEvent): Point {
    const rect = this.#host.getBoundingClientRect();
    return { x: event.clientX - rect.left, y: event.clientY - rect.top };
  }

  readonly #down = (event: PointerEvent): void => {
    if (event.button !== 0 || (event.target as Element).closest(".graph-minimap")) return;
    const point = this.#point(event);
    if (this.#pointers.size === 0) this.moved = false;
    this.#start = point;
    this.#pointers.set(event.pointerId, point);
  };

  readonly #move = (event: PointerEvent): void => {
    const point = this.#point(event);
    const before = this.#pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") this.#listener.hover(point);
      return;
    }
    if (!this.moved && Math.hypot(point.x - this.#start.x, point.y - this.#start.y) < STILL) return;
    if (!this.moved) this.#host.setPointerCapture(event.pointerId);
    this.moved = true;
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, point);
    if (!other) {
      this.#listener.pan(point.x - before.x, point.y - before.y);
      return;
    }
    const far = (a: Point, b: Point) => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
    this.#listener.zoom(far(point, other) / far(before, other), {
      x: (point.x + other.x) / 2,
      y: (point.y + other.y) / 2,
    });
  };

  readonly #up = (event: PointerEvent): void => {
    const was = this.#pointers.delete(event.pointerId);
    const isElement = (event.target as Element).closest(".graph-node");
    if (was && !this.moved && event.type === "pointerup" && !isElement) this.#listener.tap(this.#point(event));
  };

  readonly #wheel = (event: WheelEvent): void => {
    if ((event.target as Element).closest(".graph-minimap")) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.#listener.pan(-(event.deltaX || event.deltaY) * lines, 0);
      return;
    }
    const strength = event.ctrlKey ? 0.01 : 0.0015;
    this.#listener.zoom(Math.exp(-event.deltaY * lines * strength), this.#point(event));
  };
}
