import { describe, expect, it } from "vitest";
import { fitted, overlap, revealing, seen, zoomed } from "./camera";

const VIEW = { width: 800, height: 600 };

describe("the camera", () => {
  it("shows all of a large graph, in the middle", () => {
    const camera = fitted({ width: 4000, height: 1000 }, VIEW);
    expect(camera.k * 4000).toBeLessThanOrEqual(800);
    const area = seen(camera, VIEW);
    expect(area.x).toBeLessThan(0);
    expect(area.x + area.width).toBeGreaterThan(4000);
    expect(area.y + area.height / 2).toBeCloseTo(500);
  });

  it("never enlarges a small graph to fit", () => {
    expect(fitted({ width: 100, height: 40 }, VIEW).k).toBe(1);
  });

  it("keeps what is under the mouse there when it zooms", () => {
    const before = { k: 0.5, x: 30, y: 40 };
    const after = zoomed(before, 1.5, { x: 200, y: 100 }, 0.1);
    expect((200 - after.x) / after.k).toBeCloseTo((200 - before.x) / before.k);
    expect((100 - after.y) / after.k).toBeCloseTo((100 - before.y) / before.k);
  });

  it("zooms neither for ever in nor further out than is of use", () => {
    const camera = { k: 1, x: 0, y: 0 };
    expect(zoomed(camera, 100, { x: 0, y: 0 }, 0.1).k).toBe(2);
    expect(zoomed(camera, 0.001, { x: 0, y: 0 }, 0.1).k).toBe(0.1);
  });

  it("moves just far enough to show what is outside, and not at all for what is in view", () => {
    const camera = { k: 1, x: 0, y: 0 };
    const inside = { x: 100, y: 100, width: 50, height: 50 };
    expect(revealing(camera, inside, VIEW)).toEqual(camera);
    const moved = revealing(camera, { x: 2000, y: 100, width: 50, height: 50 }, VIEW);
    expect(moved.y).toBe(0);
    expect(2000 + 50 + moved.x).toBe(800 - 24);
  });

  it("puts what it shall centre into the middle", () => {
    const moved = revealing({ k: 2, x: 0, y: 0 }, { x: 10, y: 10, width: 10, height: 10 }, VIEW, true);
    expect(15 * 2 + moved.x).toBe(400);
    expect(15 * 2 + moved.y).toBe(300);
  });
});

describe("rectangles", () => {
  it("overlap where they have a point in common", () => {
    const rect = { x: 0, y: 0, width: 10, height: 10 };
    expect(overlap(rect, { x: 10, y: 10, width: 1, height: 1 })).toBe(true);
    expect(overlap(rect, { x: 11, y: 0, width: 1, height: 1 })).toBe(false);
  });
});
