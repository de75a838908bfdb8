import { describe, expect, it } from "vitest";
import { imageType, sizeText } from "./blobs";
import { diffOf, nearChanges } from "./diff";
import { environmentOf } from "./environment";
import { eventsOf } from "./events";
import { figureOf, mediaOf, tableOf } from "./figures";
import { saved } from "./log-file";
import { kindOf } from "./preview-kind";
import { paged } from "./records";
import { aligned, named, numberText, titlesOf } from "./series";
import { argumentsOf, referencesIn } from "./values";

/** A reference as definitions have it. */
const ref = (text: string) => `$${"{"}${text}}`;

describe("the values of a step", () => {
  const argument = (value: unknown) => ({ value, artifact: null, references: [] });
  const definition = {
    arguments: { data: argument(ref("load.data")), rate: argument(0.1) },
    overrides: {},
    configurations: {},
  };
  const parameter = (section: string, name: string, value: unknown) => ({
    section,
    name,
    value,
    type: "",
    description: "",
  });

  it("stand beside the references that they came from", () => {
    const recorded = [parameter("kwargs_artifacts", "data", "abc.data"), parameter("Args", "seed", 1)];
    const { given, others } = argumentsOf(definition as never, recorded as never);
    expect(given.map(({ name, value, isKnown }) => [name, value, isKnown])).toEqual([
      ["data", "abc.data", true],
      ["rate", 0.1, true],
    ]);
    expect(given[0]?.references).toEqual([{ text: ref("load.data"), step: "load" }]);
    expect(others.map(({ name }) => name)).toEqual(["seed"]);
  });

  it("are not known before the step is launched, where they are references", () => {
    const { given } = argumentsOf(definition as never, []);
    expect(given.map(({ isKnown }) => isKnown)).toEqual([false, true]);
  });

  it("refer to steps and to the pipeline, deep inside too, and never by what is escaped", () => {
    expect(
      referencesIn([`a ${ref("x.y")} b`, { k: `${ref("pipeline.rate")} ${ref("x.y")}` }, `$${ref("z.y")}`]),
    ).toEqual([
      { text: ref("x.y"), step: "x" },
      { text: ref("pipeline.rate"), step: null },
    ]);
  });
});

describe("a difference", () => {
  it("keeps the longest common part", () => {
    const lines = diffOf("a\nb\nc\nd", "a\nx\nc\nd\ne");
    expect(lines.map(({ kind, text }) => `${kind} ${text}`)).toEqual([
      "same a",
      "removed b",
      "added x",
      "same c",
      "same d",
      "added e",
    ]);
  });

  it("of what is far from each other leaves the middle out", () => {
    const text = Array.from({ length: 20 }, (_, index) => `line ${index}`).join("\n");
    const near = nearChanges(diffOf(text, text.replace("line 10", "changed")), 1);
    expect(near.map((line) => line?.text ?? "…")).toEqual(["…", "line 9", "line 10", "changed", "line 11", "…"]);
  });

  it("of nothing is nothing", () => {
    expect(diffOf("", "")).toEqual([{ kind: "same", text: "" }]);
    expect(nearChanges(diffOf("a", "a"))).toEqual([null]);
  });
});

describe("series", () => {
  const one = (title: string, iteration: number | null, count: number) => ({
    title,
    series: title,
    last: 2,
    count,
    iteration,
  });

  it("are drawn over one list of iterations", () => {
    const lines = [
      {
        label: "a",
        points: [
          [0, 1, 0],
          [2, 3, 0],
        ] as const,
      },
      {
        label: "b",
        points: [
          [1, null, 0],
          [2, 5, 0],
        ] as const,
      },
    ];
    expect(aligned(lines)).toEqual([
      [0, 1, 2],
      [1, undefined, 3],
      [undefined, null, 5],
    ]);
  });

  it("are put together by title; what a task has once is a single value", () => {
    const task = { id: "1", name: "train" };
    const { titles, singles } = titlesOf([{ task, summaries: [one("loss", 3, 4), one("auc", null, 1)] }]);
    expect(titles).toEqual([{ title: "loss", tasks: [task], counts: [4] }]);
    expect(singles).toEqual([{ task: "1", name: "train", title: "auc", series: "auc", value: 2 }]);
  });

  it("are filtered by what they are called, and by the step that has them", () => {
    const recorders = ["train a", "train b", "load"].map((name) => ({ id: name, name }));
    const all = titlesOf(recorders.map((task) => ({ task, summaries: [one("Loss", 3, 4), one("auc", null, 1)] })));
    const found = named(all, "loss", "TRAIN");
    expect(found.titles.map(({ title, tasks, counts }) => [title, tasks.length, counts])).toEqual([
      ["Loss", 2, [4, 4]],
    ]);
    expect(found.singles).toEqual([]);
    expect(named(all, "", "load").singles.map(({ task }) => task)).toEqual(["load"]);
    expect(named(all, "nothing", "").titles).toEqual([]);
  });

  it("of many steps are asked for by pages", () => {
    expect(paged([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(paged([])).toEqual([]);
  });

  it("are said in few digits", () => {
    expect([0, 0.123456, 1e-7, 12345678, Number.NaN, Number.POSITIVE_INFINITY, null].map(numberText)).toEqual([
      "0",
      "0.12346",
      "1.000e-7",
      "1.235e+7",
      "–",
      "∞",
      "–",
    ]);
  });
});

describe("plots", () => {
  it("are figures only in Plotly's form", () => {
    expect(figureOf('{"data": [{"type": "bar"}, 3], "layout": {"title": "x"}}')).toEqual({
      data: [{ type: "bar" }],
      layout: { title: "x" },
    });
    expect([figureOf("nonsense"), figureOf("[]"), figureOf('{"data": 3}')]).toEqual([null, null, null]);
  });

  it("are tables of texts, whatever is in the cells", () => {
    expect(tableOf('[["a", "b"], [1, {"x": "<b>"}], [null, true]]')).toEqual({
      head: ["a", "b"],
      rows: [
        ["1", '{"x":"<b>"}'],
        ["", "true"],
      ],
    });
    expect(tableOf("{}")).toBeNull();
  });

  it("are shown as media only of types that run nothing", () => {
    const media = (type: string) => mediaOf(JSON.stringify({ type, name: "f", data: btoa("hi") }));
    expect(
      ["audio/mpeg", "image/png", "text/plain", "text/html", "application/xhtml+xml"].map((type) => media(type)?.kind),
    ).toEqual(["audio", "image", "text", "other", "other"]);
    expect(media("text/html")?.url).toMatch(/^data:application\/octet-stream/);
    expect(mediaOf('{"type": "image/png", "data": "x\\" onerror=\\"alert(1)"}')).toBeNull();
  });
});

describe("previews", () => {
  const thing = (format: string, more = {}) =>
    kindOf({ format, size: 10, hash: "a".repeat(64), table: null, metadata: {}, ...more });

  it("are chosen by format and file name, never by content", () => {
    expect(["json", "text", "png", "html", "npy", "arrow"].map((format) => thing(format))).toEqual([
      "json",
      "text",
      "image",
      "html",
      "said",
      "said",
    ]);
    expect(thing("file", { metadata: { file_name: "a.HTML" } })).toBe("html");
    expect(thing("arrow", { table: {} })).toBe("table");
  });

  it("never open what may run code when it is read, even with a table", () => {
    expect(thing("pickle", { table: {} })).toBe("opaque");
    expect(thing("file", { metadata: { file_name: "model.pkl" } })).toBe("opaque");
  });

  it("of what is large show only its beginning", () => {
    expect(thing("json", { size: 1e9 })).toBe("text");
    expect(thing("png", { size: 1e9 })).toBe("said");
  });

  it("of images look at the first bytes", () => {
    expect(imageType(Uint8Array.from([0x89, 0x50, 0x4e, 0x47]).buffer)).toBe("image/png");
    expect(imageType(new TextEncoder().encode("<svg onload=alert(1)>").buffer as ArrayBuffer)).toBeNull();
    expect(imageType(new ArrayBuffer(0))).toBeNull();
  });

  it("say sizes as people do", () => {
    expect([12, 1_500, 2_000_000].map(sizeText)).toEqual(["12 bytes", "1.50 kB", "2.00 MB"]);
  });
});

describe("an environment", () => {
  it("has a line for each package, so that changes are seen", () => {
    const script = {
      interpreter: "3.11",
      packages: ["numpy==2.1", "torch[cuda] >=2", "plain"],
      repository: null,
      commit: null,
    };
    const found = environmentOf({ script, container: null, worker: { host: "w1" }, runtime: {} } as never);
    expect(Object.fromEntries(found)).toEqual({
      Python: "3.11",
      "package numpy": "==2.1",
      "package torch[cuda]": ">=2",
      "package plain": "any version",
      machine: "w1",
    });
  });
});

describe("events", () => {
  it("are changes and decisions in their order", () => {
    const change = {
      seq: 1,
      at: 2,
      kind: "status",
      task: "t",
      status: "failed",
      run: "r",
      step: "a",
      attempt: 1,
      message: "bad\nmore",
      place: "",
    };
    const decision = { at: 1, attempt: 1, details: ["d"], kind: "execute", reason: "why", related: null, step: "a" };
    expect(eventsOf([change] as never, [decision] as never).map(({ what, why }) => [what, why])).toEqual([
      ["execute", "why; d"],
      ["failed", "bad"],
    ]);
  });
});

describe("a console in a file", () => {
  const chunk = {
    id: 1,
    task: "t",
    lines: [[0, "out", "a \x1b[31mred\x1b[0m one"] as const, [1.5, "err", "two"] as const],
  };

  it("is text as it is read, without what steers terminals", () => {
    expect(saved(chunk, undefined, false)).toBe("a red one\ntwo\n");
  });

  it("says who printed a line, and when, where that is wanted", () => {
    expect(saved(chunk, "train", true)).toBe(
      "1970-01-01T00:00:00.000Z train │ a red one\n1970-01-01T00:00:01.500Z train │ two\n",
    );
  });
});
