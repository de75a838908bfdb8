/** Which part of the graph is seen, and how large: a point of the graph is seen at `point * k + (x, y)`. */

export interface Camera {
  k: number;
  x: number;
  y: number;
}

export interface Area {
  width: number;
  height: number;
}

export interface Rect extends Area {
  x: number;
  y: number;
}

const LARGEST = 2;
const MARGIN = 24;

/** Return the camera that shows everything, in its middle, never enlarged. */
export function fitted(scene: Area, view: Area): Camera {
  const room = (size: number) => Math.max(1, size - 2 * MARGIN);
  const k = Math.min(1, room(view.width) / Math.max(1, scene.width), room(view.height) / Math.max(1, scene.height));
  return { k, x: (view.width - scene.width * k) / 2, y: (view.height - scene.height * k) / 2 };
}

/** Return the camera after zooming, with what is at the point staying there. */
export function zoomed(camera: Camera, factor: number, at: { x: number; y: number }, smallest: number): Camera {
  const k = Math.min(LARGEST, Math.max(Math.min(smallest, 1), camera.k * factor));
  const ratio = k / camera.k;
  return { k, x: at.x - (at.x - camera.x) * ratio, y: at.y - (at.y - camera.y) * ratio };
}

/** Return the part of the graph that is seen, and a margin around it, in the graph's measures. */
export function seen(camera: Camera, view: Area, margin = 0): Rect {
  return {
    x: (-camera.x - margin) / camera.k,
    y: (-camera.y - margin) / camera.k,
    width: (view.width + 2 * margin) / camera.k,
    height: (view.height + 2 * margin) / camera.k,
  };
}

/** Return the camera moved just as far as it takes to see a rectangle, or in whose middle it is then. */
export function revealing(camera: Camera, rect: Rect, view: Area, centre = false): Camera {
  const [left, top] = [rect.x * camera.k + camera.x, rect.y * camera.k + camera.y];
  const shift = (start: number, size: number, room: number) => {
    if (centre || size > room - 2 * MARGIN) return (room - size) / 2 - start;
    return Math.max(MARGIN - start, 0) + Math.min(room - MARGIN - size - start, 0);
  };
  return {
    k: camera.k,
    x: camera.x + shift(left, rect.width * camera.k, view.width),
    y: camera.y + shift(top, rect.height * camera.k, view.height),
  };
}

/** Return whether two rectangles have a point in common. */
export function overlap(a: Rect, b: Rect): boolean {
  return a.x <= b.x + b.width && b.x <= a.x + a.width && a.y <= b.y + b.height && b.y <= a.y + a.height;
}
