/** The boxes in view as real buttons: text that can be found, selected, focused and read aloud. */

import type { Look } from "./paint";
import type { Box } from "./scene";

/** What a button says. */
export interface Words {
  name: string;
  /** The status in words. */
  status: string;
  glyph: string;
  /** How long it took, or how many it holds. */
  note: string;
  /** The share of each status in a group, from 0 to 1. */
  shares: readonly [status: string, share: number][];
}

interface Node {
  element: HTMLButtonElement;
  name: HTMLSpanElement;
  glyph: HTMLSpanElement;
  status: HTMLSpanElement;
  note: HTMLSpanElement;
  bar: HTMLSpanElement | null;
  box: Box;
  /** The version in which it was drawn, and what was drawn then. */
  version: number;
  drawn: string;
}

/** Keeps as many buttons as there are boxes in view. */
export class Nodes {
  readonly #layer: HTMLElement;
  readonly #nodes = new Map<string, Node>();

  constructor(layer: HTMLElement) {
    this.#layer = layer;
  }

  get count(): number {
    return this.#nodes.size;
  }

  /** Show exactly these boxes; what is shown already keeps its element, and with it the focus. Within one version
   *  nothing that a box says changes. */
  show(
    boxes: Iterable<Box>,
    look: (box: Box) => Look,
    words: (box: Box) => Words,
    current: { key: string | null; stands: boolean; version: number },
  ): void {
    const wanted = new Map<string, Box>();
    for (const box of boxes) wanted.set(box.key, box);
    for (const [key, node] of this.#nodes) {
      if (wanted.has(key)) continue;
      node.element.remove();
      this.#nodes.delete(key);
    }
    for (const [key, box] of wanted) {
      let node = this.#nodes.get(key);
      if (!node) {
        node = made(box);
        this.#nodes.set(key, node);
        this.#layer.append(node.element);
      }
      if (node.box === box && node.version === current.version) continue;
      node.box = box;
      node.version = current.version;
      update(node, box, look(box), words(box), key !== current.key ? "other" : current.stands ? "stands" : "first");
    }
  }

  /** Move the keyboard to a box that is shown. */
  focus(key: string): void {
    this.#nodes.get(key)?.element.focus({ preventScroll: true });
  }

  clear(): void {
    this.#layer.replaceChildren();
    this.#nodes.clear();
  }
}

function made(box: Box): Node {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "graph-node";
  element.dataset.key = box.key;
  element.dataset.kind = box.kind;
  const span = (name: string): HTMLSpanElement => {
    const found = document.createElement("span");
    found.className = name;
    element.append(found);
    return found;
  };
  const glyph = span("graph-glyph");
  glyph.setAttribute("aria-hidden", "true");
  const name = span("graph-name");
  const status = span("unseen");
  const note = span("graph-note");
  const bar = box.kind === "stage" || box.kind === "mapped" ? span("graph-bar") : null;
  return { element, name, glyph, status, note, bar, box, version: -1, drawn: "" };
}

/** `first` is where the keyboard comes in, `stands` also stands out. */
type Part = "other" | "first" | "stands";

function update(node: Node, box: Box, look: Look, words: Words, part: Part): void {
  const drawn = JSON.stringify([box.x, box.y, box.width, box.height, look, words, part]);
  if (drawn === node.drawn) return;
  node.drawn = drawn;
  const { element } = node;
  element.style.transform = `translate(${box.x}px, ${box.y}px)`;
  element.style.width = `${box.width}px`;
  element.style.height = box.kind === "frame" ? "34px" : `${box.height}px`;
  element.dataset.status = look.status;
  element.classList.toggle("is-dim", look.dim);
  element.classList.toggle("is-critical", look.critical);
  element.classList.toggle("is-match", look.match);
  element.tabIndex = part === "other" ? -1 : 0;
  if (part === "stands") element.setAttribute("aria-current", "true");
  else element.removeAttribute("aria-current");
  element.title = box.label;
  node.glyph.textContent = words.glyph;
  node.name.textContent = words.name;
  node.status.textContent = ` ${words.status} `;
  node.note.textContent = words.note;
  if (node.bar) node.bar.replaceChildren(...words.shares.map(([status, share]) => shareBar(status, share)));
}

function shareBar(status: string, share: number): HTMLSpanElement {
  const found = document.createElement("span");
  found.dataset.status = status;
  found.style.width = `${share * 100}%`;
  return found;
}
