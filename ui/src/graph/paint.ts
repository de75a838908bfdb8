/** Draws lines, and boxes that are too small or too many to be elements, on a canvas. */

import { type Area, type Camera, overlap, type Rect, seen } from "./camera";
import type { Box, Line, Scene } from "./scene";
import type { StepStatus } from "./steps";

export interface Palette {
  line: string;
  hot: string;
  critical: string;
  /** What is written on patches. */
  ground: string;
  ink: string;
  status: Record<StepStatus, string>;
}

/** How a box is to look. */
export interface Look {
  status: StepStatus;
  /** Drawn faintly, because something else is looked at. */
  dim: boolean;
  critical: boolean;
  match: boolean;
}

export interface Picture {
  scene: Scene;
  camera: Camera;
  view: Area;
  palette: Palette;
  look: (box: Box) => Look;
  /** The box whose lines stand out. */
  current: string | null;
  /** Whether boxes are drawn here, as a map of statuses, and are no elements. */
  map: boolean;
}

export const GLYPH: Record<StepStatus, string> = {
  pending: "○",
  queued: "◷",
  running: "▶",
  completed: "✓",
  cached: "⚡",
  failed: "✕",
  aborted: "■",
  skipped: "–",
};

const HOLLOW = new Set<StepStatus>(["cached", "pending"]);

/** Draw everything that is seen. */
export function paint(context: CanvasRenderingContext2D, picture: Picture, ratio: number): void {
  const { camera, view } = picture;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, view.width * ratio, view.height * ratio);
  context.setTransform(camera.k * ratio, 0, 0, camera.k * ratio, camera.x * ratio, camera.y * ratio);
  const area = seen(camera, view, 40);
  frames(context, picture, area);
  lines(context, picture, area);
  if (picture.map) map(context, picture, area);
}

function frames(context: CanvasRenderingContext2D, { scene, palette }: Picture, area: Rect): void {
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  for (const box of scene.boxes) {
    if (box.kind === "frame" && overlap(box, area)) context.strokeRect(box.x, box.y, box.width, box.height);
  }
}

function lines(context: CanvasRenderingContext2D, picture: Picture, area: Rect): void {
  const { scene, camera, palette, look, current } = picture;
  const passes: [Line[], string, number, number][] = [
    [[], palette.line, 1.25, 0.25],
    [[], palette.line, 1.25, 1],
    [[], palette.critical, 2.5, 1],
    [[], palette.hot, 2.5, 1],
  ];
  for (const line of scene.lines) {
    if (!overlap(bounds(line), area)) continue;
    const [from, to] = [look(scene.byKey.get(line.from)!), look(scene.byKey.get(line.to)!)];
    const hot = line.from === current || line.to === current;
    const pass = hot ? 3 : from.dim || to.dim ? 0 : from.critical && to.critical ? 2 : 1;
    passes[pass]![0].push(line);
  }
  for (const [drawn, colour, width, alpha] of passes) {
    if (drawn.length === 0) continue;
    context.beginPath();
    for (const line of drawn) trace(context, line.points, camera.k < 0.3);
    context.strokeStyle = colour;
    context.lineWidth = Math.max(width, (width * 0.5) / camera.k);
    context.globalAlpha = camera.k < 0.3 && alpha === 1 && width < 2 ? crowded(drawn.length) : alpha;
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** Return how faint lines are where they are so many that they would hide what they lead to. */
function crowded(lines: number): number {
  return Math.min(1, Math.max(0.18, 300 / lines));
}

function trace(context: CanvasRenderingContext2D, points: Float64Array, straight: boolean): void {
  context.moveTo(points[0]!, points[1]!);
  for (let i = 2; i < points.length; i += 2) {
    const [x0, y0, x, y] = [points[i - 2]!, points[i - 1]!, points[i]!, points[i + 1]!];
    const bends = !straight && i % 4 === 2;
    if (bends) context.bezierCurveTo(x0, (y0 + y) / 2, x, (y0 + y) / 2, x, y);
    else context.lineTo(x, y);
  }
}

const known = new WeakMap<Line, Rect>();

function bounds(line: Line): Rect {
  const found = known.get(line);
  if (found) return found;
  let [left, right] = [Infinity, -Infinity];
  for (let i = 0; i < line.points.length; i += 2) {
    left = Math.min(left, line.points[i]!);
    right = Math.max(right, line.points[i]!);
  }
  const top = line.points[1]!;
  const rect = { x: left, y: top, width: right - left, height: line.points.at(-1)! - top };
  known.set(line, rect);
  return rect;
}

/** Draw each box as a patch in the colour of its status, with its glyph where there is room. */
function map(context: CanvasRenderingContext2D, picture: Picture, area: Rect): void {
  const { scene, camera, palette, look, current } = picture;
  const least = 3 / camera.k;
  const alike = new Map<string, { look: Look; rects: Rect[] }>();
  const lined: (() => void)[] = [];
  for (const box of scene.boxes) {
    if (box.kind === "frame" || !overlap(box, area)) continue;
    const own = look(box);
    const [width, height] = [Math.max(box.width, least), Math.max(box.height, least)];
    const rect = { x: box.x + (box.width - width) / 2, y: box.y + (box.height - height) / 2, width, height };
    const key = `${own.status}${own.dim}`;
    const group = alike.get(key) ?? { look: own, rects: [] };
    alike.set(key, group);
    group.rects.push(rect);
    const isCurrent = box.key === current;
    if (own.critical || own.match || isCurrent) lined.push(() => outline(context, picture, rect, own.match, isCurrent));
  }
  for (const { look: own, rects } of alike.values()) patches(context, rects, own, palette, camera.k);
  context.globalAlpha = 1;
  for (const draw of lined) draw();
}

/** Draw patches that look alike in one stroke. */
function patches(context: CanvasRenderingContext2D, rects: Rect[], look: Look, palette: Palette, k: number): void {
  const { status, dim } = look;
  context.fillStyle = palette.status[status];
  context.globalAlpha = (dim ? 0.2 : 1) * (HOLLOW.has(status) ? 0.55 : status === "skipped" ? 0.35 : 1);
  context.beginPath();
  for (const { x, y, width, height } of rects) context.rect(x, y, width, height);
  context.fill();
  const height = rects[0]?.height ?? 0;
  if (height * k < 10 || rects.length > 1_500) return;
  context.globalAlpha = dim ? 0.2 : 1;
  context.fillStyle = palette.ground;
  context.font = `${Math.min(height * 0.8, 14 / k)}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const rect of rects) context.fillText(GLYPH[status], rect.x + rect.width / 2, rect.y + rect.height / 2);
}

function outline(
  context: CanvasRenderingContext2D,
  { palette, camera }: Picture,
  rect: Rect,
  match: boolean,
  current: boolean,
): void {
  const away = 1.5 / camera.k;
  context.lineWidth = (current ? 2.5 : 1.5) / camera.k;
  context.strokeStyle = current ? palette.ink : match ? palette.hot : palette.critical;
  context.strokeRect(rect.x - away, rect.y - away, rect.width + 2 * away, rect.height + 2 * away);
}
