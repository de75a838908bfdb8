/** Shows a scene in an element: lines on a canvas, boxes in view as buttons, and far away all as a map of statuses.
 *
 *  It draws at most once a frame, and only what changed. It knows no framework and asks nobody for data. */

import { type Area, type Camera, fitted, overlap, revealing, seen, zoomed } from "./camera";
import { Gestures } from "./gestures";
import { Minimap } from "./minimap";
import { Nodes, type Words } from "./nodes";
import { type Look, type Palette, paint } from "./paint";
import { type Box, type Direction, type Scene, walk } from "./scene";

/** Below this size text cannot be read, and boxes become patches of a map. */
const READABLE = 0.45;
/** More boxes than these are never elements at a time. */
const ELEMENTS = 320;
/** So many pixels around what is seen are painted too. */
const MARGIN = 280;

export interface Options {
  look: (box: Box) => Look;
  words: (box: Box) => Words;
  /** Somebody chose a box. */
  onChoose: (box: Box) => void;
}

const KEYS: Record<string, Direction> = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };

export class GraphView {
  readonly #host: HTMLElement;
  readonly #options: Options;
  readonly #canvas = document.createElement("canvas");
  readonly #layer = document.createElement("div");
  readonly #hint = document.createElement("div");
  readonly #nodes = new Nodes(this.#layer);
  readonly #minimap = new Minimap((x, y) => this.#centre(x, y));
  readonly #gestures: Gestures;
  readonly #observer: ResizeObserver;
  #scene: Scene | null = null;
  #palette: Palette;
  #camera: Camera = { k: 1, x: 0, y: 0 };
  #view: Area = { width: 0, height: 0 };
  #current: string | null = null;
  /** Whether somebody chose the current box, or went there: only then it stands out. */
  #stands = false;
  #fits = true;
  #frame = 0;
  #map = false;
  /** Counts what may change how boxes look: within one version the camera alone moves. */
  #version = 0;
  #looks = new Map<string, Look>();
  /** The camera and the version by which the canvas was painted. */
  #painted: { camera: Camera; version: number; map: boolean } | null = null;
  #minimapIsOld = true;
  #still: ReturnType<typeof setTimeout> | undefined;

  constructor(host: HTMLElement, palette: Palette, options: Options) {
    this.#host = host;
    this.#palette = palette;
    this.#options = options;
    this.#layer.className = "graph-layer";
    this.#hint.className = "graph-hint";
    this.#hint.hidden = true;
    host.append(this.#canvas, this.#layer, this.#minimap.element, this.#hint);
    this.#gestures = new Gestures(host, {
      pan: (x, y) => this.#move({ ...this.#camera, x: this.#camera.x + x, y: this.#camera.y + y }),
      zoom: (factor, at) => this.zoom(factor, at),
      tap: (at) => this.#tap(at),
      hover: (at) => this.#hover(at),
    });
    host.addEventListener("click", this.#onClick);
    host.addEventListener("keydown", this.#onKey);
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(host);
    this.#resize();
  }

  /** Show another scene. What is looked at stays, unless everything was in view. */
  show(scene: Scene): void {
    this.#scene = scene;
    if (this.#current !== null && !scene.byKey.has(this.#current)) this.#current = null;
    this.#current ??= scene.boxes[0]?.key ?? null;
    if (this.#fits) this.#camera = fitted(scene, this.#view);
    this.refresh();
  }

  /** Draw again, because statuses, times or the selection changed. */
  refresh(): void {
    this.#minimapIsOld = true;
    this.#changed();
  }

  paintWith(palette: Palette): void {
    this.#palette = palette;
    this.refresh();
  }

  /** Show everything. */
  fit(): void {
    if (!this.#scene) return;
    this.#move(fitted(this.#scene, this.#view));
    this.#fits = true;
  }

  zoom(factor: number, at = { x: this.#view.width / 2, y: this.#view.height / 2 }): void {
    if (!this.#scene) return;
    const smallest = fitted(this.#scene, this.#view).k * 0.7;
    this.#move(zoomed(this.#camera, factor, at, smallest));
  }

  /** Let no box stand out any more. */
  leave(): void {
    this.#stands = false;
    this.#changed();
  }

  /** Make a box the current one, and bring it into view; `near` also enlarges it so far that it can be read. */
  go(key: string, { near = false, focus = false } = {}): void {
    const box = this.#scene?.byKey.get(key);
    if (!box) return;
    this.#current = key;
    this.#stands = true;
    this.#changed();
    const k = near ? Math.max(this.#camera.k, 0.9) : this.#camera.k;
    const centre = near && k !== this.#camera.k;
    this.#move(revealing({ ...this.#camera, k }, box, this.#view, centre));
    if (focus) {
      this.#draw();
      this.#nodes.focus(key);
    }
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#still);
    this.#observer.disconnect();
    this.#gestures.stop();
    this.#host.removeEventListener("click", this.#onClick);
    this.#host.removeEventListener("keydown", this.#onKey);
    this.#nodes.clear();
    for (const part of [this.#canvas, this.#layer, this.#minimap.element, this.#hint]) part.remove();
  }

  #centre(x: number, y: number): void {
    this.#move({
      ...this.#camera,
      x: this.#view.width / 2 - x * this.#camera.k,
      y: this.#view.height / 2 - y * this.#camera.k,
    });
  }

  #move(camera: Camera): void {
    const zooms = camera.k !== this.#camera.k;
    this.#layer.classList.toggle("is-moved", !zooms);
    clearTimeout(this.#still);
    if (!zooms) this.#still = setTimeout(() => this.#layer.classList.remove("is-moved"), 200);
    this.#camera = camera;
    this.#fits = false;
    this.#hint.hidden = true;
    this.#ask();
  }

  #resize(): void {
    const view = { width: this.#host.clientWidth, height: this.#host.clientHeight };
    if (view.width === this.#view.width && view.height === this.#view.height) return;
    this.#view = view;
    const ratio = devicePixelRatio;
    this.#canvas.width = Math.round((view.width + 2 * MARGIN) * ratio);
    this.#canvas.height = Math.round((view.height + 2 * MARGIN) * ratio);
    this.#canvas.style.width = `${view.width + 2 * MARGIN}px`;
    this.#canvas.style.height = `${view.height + 2 * MARGIN}px`;
    this.#painted = null;
    if (this.#fits && this.#scene) this.#camera = fitted(this.#scene, view);
    this.#draw();
  }

  /** Draw again what boxes look like. */
  #changed(): void {
    this.#version++;
    this.#looks.clear();
    this.#ask();
  }

  #ask(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (!this.#scene || this.#view.width === 0) return;
    const boxes = this.#inView();
    this.#map = this.#camera.k < READABLE || boxes.length > ELEMENTS;
    const current = this.#current === null ? undefined : this.#scene.byKey.get(this.#current);
    const shown = this.#map ? [] : boxes;
    if (current && !shown.includes(current)) shown.push(current);
    this.#layer.classList.toggle("is-map", this.#map);
    this.#layer.style.transform = `translate(${this.#camera.x}px, ${this.#camera.y}px) scale(${this.#camera.k})`;
    const state = { key: this.#current, stands: this.#stands, version: this.#version };
    this.#nodes.show(shown, this.#look, this.#options.words, state);
    this.#paint();
    if (this.#minimapIsOld) this.#minimap.paint(this.#scene, this.#palette, this.#look, devicePixelRatio);
    this.#minimapIsOld = false;
    this.#minimap.follow(this.#camera, this.#view);
    this.#host.dataset.ready = String(this.#scene.boxes.length);
  }

  /** Paint the canvas, which reaches beyond what is seen: as long as only the camera moves a little, so does it. */
  #paint(): void {
    const [camera, before] = [this.#camera, this.#painted];
    const isSame = before?.version === this.#version && before.map === this.#map && before.camera.k === camera.k;
    const [x, y] = before ? [camera.x - before.camera.x, camera.y - before.camera.y] : [0, 0];
    if (isSame && Math.abs(x) <= MARGIN && Math.abs(y) <= MARGIN) {
      this.#canvas.style.transform = `translate(${x - MARGIN}px, ${y - MARGIN}px)`;
      return;
    }
    const context = this.#canvas.getContext("2d");
    if (!context || !this.#scene) return;
    this.#painted = { camera, version: this.#version, map: this.#map };
    this.#canvas.style.transform = `translate(${-MARGIN}px, ${-MARGIN}px)`;
    const picture = {
      scene: this.#scene,
      camera: { k: camera.k, x: camera.x + MARGIN, y: camera.y + MARGIN },
      view: { width: this.#view.width + 2 * MARGIN, height: this.#view.height + 2 * MARGIN },
      palette: this.#palette,
      look: this.#look,
      current: this.#stands ? this.#current : null,
      map: this.#map,
    };
    paint(context, picture, devicePixelRatio);
  }

  readonly #look = (box: Box): Look => {
    const found = this.#looks.get(box.key) ?? this.#options.look(box);
    this.#looks.set(box.key, found);
    return found;
  };

  #inView(): Box[] {
    const area = seen(this.#camera, this.#view, 60);
    return this.#scene!.boxes.filter((box) => overlap(box, area));
  }

  #at(point: { x: number; y: number }): Box | undefined {
    const [x, y] = [(point.x - this.#camera.x) / this.#camera.k, (point.y - this.#camera.y) / this.#camera.k];
    const rect = { x, y, width: 0, height: 0 };
    return this.#scene?.boxes.findLast((box) => box.kind !== "frame" && overlap(box, rect));
  }

  #tap(point: { x: number; y: number }): void {
    const box = this.#map ? this.#at(point) : undefined;
    if (box) this.#choose(box);
  }

  #hover(point: { x: number; y: number } | null): void {
    const box = this.#map && point ? this.#at(point) : undefined;
    this.#hint.hidden = !box;
    if (!box || !point) return;
    const { name, status, note } = this.#options.words(box);
    this.#hint.textContent = [box.label || name, status, note].filter(Boolean).join(" · ");
    this.#hint.style.transform = `translate(${point.x + 12}px, ${point.y + 12}px)`;
  }

  #choose(box: Box): void {
    this.#current = box.key;
    this.#stands = true;
    this.#changed();
    this.#options.onChoose(box);
  }

  readonly #onClick = (event: MouseEvent): void => {
    const key = (event.target as Element).closest<HTMLElement>(".graph-node")?.dataset.key;
    const box = key === undefined ? undefined : this.#scene?.byKey.get(key);
    if (box && !this.#gestures.moved) this.#choose(box);
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.#scene) return;
    const direction = KEYS[event.key];
    if (direction && this.#current !== null) {
      const next = walk(this.#scene, this.#current, direction);
      if (next !== null) this.go(next, { focus: true });
    } else if (event.key === "f") this.fit();
    else if (event.key === "+" || event.key === "=") this.zoom(1.25);
    else if (event.key === "-") this.zoom(0.8);
    else return;
    event.preventDefault();
  };
}
