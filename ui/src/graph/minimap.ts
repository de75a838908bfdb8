/** The whole graph, small, with the part that is seen; a click or a drag goes there. */

import { type Area, type Camera, seen } from "./camera";
import type { Look, Palette } from "./paint";
import type { Box, Scene } from "./scene";

const SIZE = { width: 168, height: 112 };

export class Minimap {
  readonly element: HTMLDivElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #window: HTMLDivElement;
  #k = 1;
  #left = 0;
  #top = 0;

  /** `go` is told which point of the graph shall be in the middle. */
  constructor(go: (x: number, y: number) => void) {
    this.element = document.createElement("div");
    this.element.className = "graph-minimap";
    this.element.setAttribute("aria-hidden", "true");
    this.#canvas = document.createElement("canvas");
    this.#window = document.createElement("div");
    this.element.append(this.#canvas, this.#window);
    const move = (event: PointerEvent) => {
      if (event.buttons !== 1) return;
      const rect = this.element.getBoundingClientRect();
      go((event.clientX - rect.left - this.#left) / this.#k, (event.clientY - rect.top - this.#top) / this.#k);
      event.stopPropagation();
    };
    this.element.addEventListener("pointerdown", (event) => {
      this.element.setPointerCapture(event.pointerId);
      move(event);
    });
    this.element.addEventListener("pointermove", move);
  }

  /** Draw all boxes; needed when the graph or a status changed, not when the camera moved. */
  paint(scene: Scene, palette: Palette, look: (box: Box) => Look, ratio: number): void {
    this.#canvas.width = SIZE.width * ratio;
    this.#canvas.height = SIZE.height * ratio;
    const context = this.#canvas.getContext("2d");
    if (!context) return;
    this.#k = Math.min((SIZE.width - 8) / Math.max(1, scene.width), (SIZE.height - 8) / Math.max(1, scene.height), 0.2);
    this.#left = (SIZE.width - scene.width * this.#k) / 2;
    this.#top = (SIZE.height - scene.height * this.#k) / 2;
    context.setTransform(this.#k * ratio, 0, 0, this.#k * ratio, this.#left * ratio, this.#top * ratio);
    const least = 1.5 / this.#k;
    for (const box of scene.boxes) {
      if (box.kind === "frame") continue;
      context.fillStyle = palette.status[look(box).status];
      context.fillRect(box.x, box.y, Math.max(box.width, least), Math.max(box.height, least));
    }
  }

  /** Show which part is seen. */
  follow(camera: Camera, view: Area): void {
    const rect = seen(camera, view);
    const clip = (value: number, most: number) => Math.max(0, Math.min(most, value));
    const left = clip(rect.x * this.#k + this.#left, SIZE.width);
    const top = clip(rect.y * this.#k + this.#top, SIZE.height);
    const right = clip((rect.x + rect.width) * this.#k + this.#left, SIZE.width);
    const bottom = clip((rect.y + rect.height) * this.#k + this.#top, SIZE.height);
    this.#window.style.transform = `translate(${left}px, ${top}px)`;
    this.#window.style.width = `${Math.max(2, right - left)}px`;
    this.#window.style.height = `${Math.max(2, bottom - top)}px`;
  }
}
