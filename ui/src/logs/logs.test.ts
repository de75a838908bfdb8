import { describe, expect, it } from "vitest";
import { pieces, plain } from "./ansi";
import { levelOf } from "./levels";
import { type Chunk, LogLines, placeIn, window } from "./lines";
import { ConsoleReader, type Range, readAll } from "./reader";
import { ConsoleSearch, type Found, type Place } from "./search";

const ESC = "\x1b";

function chunk(id: number, texts: string[], task = "t"): Chunk {
  return { id, task, lines: texts.map((text) => [id, "out", text] as const) };
}

function textOf(lines: LogLines): string {
  return Array.from({ length: lines.length }, (_, index) => lines.at(index)?.text).join("\n");
}

describe("colours of terminals", () => {
  it("become classes of pieces", () => {
    expect(pieces(`a ${ESC}[1;31mred${ESC}[0m b`)).toEqual([
      { text: "a ", classes: [] },
      { text: "red", classes: ["ansi-bold", "ansi-red"] },
      { text: " b", classes: [] },
    ]);
  });

  it("beyond those with names become values", () => {
    expect(pieces(`${ESC}[38;5;196mx`)[0]).toEqual({ text: "x", classes: [], colour: "#ff0000" });
    expect(pieces(`${ESC}[48;2;1;2;300mx`)[0]).toEqual({ text: "x", classes: [], ground: "#0102ff" });
    expect(pieces(`${ESC}[38;5;244mx`)[0]?.colour).toBe("#808080");
    expect(pieces(`${ESC}[38:5:9mx`)[0]?.classes).toEqual(["ansi-bright-red"]);
  });

  it("can be swapped, and taken back one by one", () => {
    expect(pieces(`${ESC}[31;7mx${ESC}[27my${ESC}[39mz`).map(({ classes }) => classes)).toEqual([
      ["ansi-on-red"],
      ["ansi-red"],
      [],
    ]);
  });

  it("are all that terminals are told: titles, links and moves of the cursor are left out", () => {
    const line = `${ESC}]0;title\x07${ESC}[2K${ESC}[1Gdone ${ESC}]8;;javascript:alert(1)${ESC}\\here${ESC}]8;;${ESC}\\\x07`;
    expect(
      pieces(line)
        .map(({ text }) => text)
        .join(""),
    ).toBe("done here");
    expect(plain(line)).toBe("done here");
  });

  it("never change what a line says, whatever is in it", () => {
    const line = '<img src=x onerror=alert(1)> & "quotes" \u202e';
    expect(pieces(line)).toEqual([{ text: line, classes: [] }]);
    expect(pieces("")).toEqual([]);
    expect(pieces(`${ESC}[38m${ESC}[38;5mx${ESC}`).map(({ text }) => text)).toEqual(["x"]);
  });
});

describe("the level of a line", () => {
  it.each([
    ["2026-01-01 12:00:00 WARNING slow", "warning"],
    ["[INFO] begun", "info"],
    ["Traceback (most recent call last):", "error"],
    ["ValueError: AUC below 0.8", "error"],
    ["a.py:3: UserWarning: old", "warning"],
    ["CRITICAL:root:out of memory", "error"],
    ["epoch 3 loss 0.1", null],
    ["no error so far", null],
  ])("of %j is %j", (line, level) => expect(levelOf(line)).toBe(level));
});

describe("the lines of a console", () => {
  it("are kept in the order of their chunks, each once", () => {
    const lines = new LogLines();
    lines.append([chunk(3, ["a", "b"])]);
    lines.append([chunk(3, ["a", "b"]), chunk(4, ["c"])]);
    expect(lines.prepend([chunk(1, ["z"]), chunk(3, ["a", "b"])])).toBe(1);
    expect(textOf(lines)).toBe("z\na\nb\nc");
    expect([lines.first, lines.last]).toEqual([1, 4]);
  });

  it("go at the beginning, in whole chunks, when there are too many", () => {
    const lines = new LogLines(4);
    lines.append([chunk(1, ["a", "b", "c"]), chunk(2, ["d", "e"])]);
    expect(textOf(lines)).toBe("d\ne");
    expect(lines.hasOlder).toBe(true);
  });

  it("go at the end when older ones are asked for", () => {
    const lines = new LogLines(4);
    lines.append([chunk(3, ["e", "f"]), chunk(4, ["g", "h"])]);
    lines.prepend([chunk(2, ["c", "d"])]);
    expect(textOf(lines)).toBe("c\nd\ne\nf");
    expect([lines.hasNewer, lines.last]).toEqual([true, 3]);
  });

  it("of one chunk that is too long are cut at its beginning", () => {
    const lines = new LogLines(2);
    lines.append([chunk(1, ["a", "b", "c"])]);
    expect(textOf(lines)).toBe("b\nc");
  });

  it("of an error are shown with what is indented below it", () => {
    const lines = new LogLines();
    lines.append([
      chunk(1, ["INFO x", "Traceback (most recent call last):", '  File "a.py"', "ValueError: no", "bye"]),
    ]);
    expect(lines.atLeast("error")).toEqual([1, 2, 3]);
    expect(lines.atLeast("debug")).toEqual([0, 1, 2, 3]);
  });

  it("are found again by the place that a link names", () => {
    const lines = new LogLines();
    lines.append([chunk(7, ["a", "b"])]);
    const place = placeIn("7.1");
    expect(place && lines.indexOf(place.chunk, place.line)).toBe(1);
    expect(lines.indexOf(8, 0)).toBeNull();
    expect([placeIn("7"), placeIn("x.y"), placeIn(undefined)]).toEqual([null, null, null]);
  });
});

describe("the window of lines in view", () => {
  it("has what is seen and a little beside it", () => {
    expect(window(2000, 400, 20, 1000, 5)).toEqual([95, 125]);
    expect(window(0, 400, 20, 3, 5)).toEqual([0, 3]);
    expect(window(1e9, 400, 20, 10, 5)).toEqual([10, 10]);
  });
});

describe("reading a console", () => {
  const all = Array.from({ length: 200 }, (_, index) => chunk(index + 1, [`line ${index + 1}`]));

  /** What a server answers that has these pieces. */
  function answering(pieces: Chunk[]) {
    return ({ after = 0, before = null, newest = false, limit }: Range) => {
      const range = pieces.filter(({ id }) => id > after && (before === null || id < before));
      return Promise.resolve(newest ? range.slice(-limit) : range.slice(0, limit));
    };
  }

  it("begins at its end, and goes back piece by piece to its beginning", async () => {
    const reader = new ConsoleReader(answering(all));
    await reader.start();
    expect([reader.lines.at(0)?.text, reader.lines.hasOlder]).toEqual(["line 161", true]);
    while (reader.lines.hasOlder) await reader.older();
    expect([reader.lines.at(0)?.text, reader.lines.length]).toEqual(["line 1", 200]);
    expect(reader.shift).toBeGreaterThan(0);
  });

  it("goes elsewhere once what was asked for is there", async () => {
    const reader = new ConsoleReader(answering(all));
    const begun = reader.start();
    await reader.start(100);
    await begun;
    expect(reader.lines.indexOf(100, 0)).not.toBeNull();
  });

  it("goes through all of it, in pieces, to save it", async () => {
    const asked: Range[] = [];
    const read = answering(all);
    const found: number[] = [];
    const noted = (range: Range) => {
      asked.push(range);
      return read(range);
    };
    for await (const chunks of readAll(noted)) {
      found.push(...chunks.map(({ id }) => id));
    }
    expect(found).toEqual(all.map(({ id }) => id));
    expect(asked.length).toBeLessThan(4);
    for await (const _ of readAll(answering([]))) expect.unreachable();
  });

  it("can begin around a line, and goes on to its end", async () => {
    const reader = new ConsoleReader(answering(all));
    await reader.start(100);
    expect(reader.lines.indexOf(100, 0)).not.toBeNull();
    expect([reader.lines.hasOlder, reader.lines.hasNewer]).toEqual([true, true]);
    while (reader.lines.hasNewer) await reader.newer();
    expect(reader.lines.at(reader.lines.length - 1)?.text).toBe("line 200");
  });

  it("hears of new lines, and tells nobody when there are none", async () => {
    const pieces = all.slice(0, 3);
    const reader = new ConsoleReader(answering(pieces));
    await reader.start();
    let told = 0;
    const stop = reader.subscribe(() => told++);
    await reader.newer();
    expect(told).toBe(0);
    pieces.push(chunk(4, ["more"]));
    await reader.newer();
    expect([told, textOf(reader.lines).endsWith("more")]).toEqual([1, true]);
    stop();
  });

  it("keeps what it has when the server does not answer, and goes on later", async () => {
    let isAway = false;
    const read = answering(all.slice(0, 2));
    const reader = new ConsoleReader((range) => (isAway ? Promise.reject(new Error("away")) : read(range)));
    await reader.start();
    isAway = true;
    await reader.newer();
    expect([reader.error, reader.lines.length]).toEqual([new Error("away"), 2]);
    isAway = false;
    await reader.newer();
    expect(reader.error).toBeNull();
  });
});

describe("searching a console", () => {
  const at = (chunk: number): Place => ({ chunk, line: 0 });

  /** A server that looks at two lines at a time; the lines may become more. */
  function looking(lines: string[]) {
    return (text: string, after: Place | null): Promise<Found> => {
      const from = after?.chunk ?? 0;
      const places = lines.flatMap((line, n) => (n >= from && n < from + 2 && line.includes(text) ? [at(n + 1)] : []));
      const to = Math.min(lines.length, from + 2);
      return Promise.resolve({ places, place: to > 0 ? at(to) : null, isOver: to === lines.length });
    };
  }

  it("goes on until all of it was looked at, and on again when more was printed", async () => {
    const lines = ["a", "b", "a", "b", "a"];
    const search = new ConsoleSearch(looking(lines));
    await search.start("a");
    expect([search.places, search.isLooking]).toEqual([[at(1), at(3), at(5)], false]);
    lines.push("b", "a");
    await search.more();
    expect(search.places.at(-1)).toEqual(at(7));
  });

  it("forgets what was found of another text, also when its answer comes late", async () => {
    const answers: ((found: Found) => void)[] = [];
    const search = new ConsoleSearch(() => new Promise((resolve) => answers.push(resolve)));
    const first = search.start("a");
    const second = search.start("ab");
    answers[1]?.({ places: [at(2)], place: at(2), isOver: true });
    await second;
    answers[0]?.({ places: [at(1)], place: at(1), isOver: true });
    await first;
    expect(search.places).toEqual([at(2)]);
    await search.start("");
    expect([search.places, answers.length]).toEqual([[], 2]);
  });

  it("ends where there are more places than anybody goes through", async () => {
    const search = new ConsoleSearch(looking(Array.from({ length: 10 }, () => "a")), 3);
    await search.start("a");
    expect([search.places.length, search.isFull, search.isLooking]).toEqual([3, true, false]);
  });

  it("says what went wrong, and can be tried again", async () => {
    let isAway = true;
    const look = looking(["a"]);
    const search = new ConsoleSearch((text, after) => (isAway ? Promise.reject(new Error("away")) : look(text, after)));
    await search.start("a");
    expect([search.error, search.isLooking]).toEqual([new Error("away"), false]);
    isAway = false;
    await search.more();
    expect([search.error, search.places]).toEqual([null, [at(1)]]);
  });
});
