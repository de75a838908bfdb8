/** What terminals are told about colours, as pieces of text with looks. No markup is made: the page builds elements. */

export interface Piece {
  text: string;
  /** Names of classes: `ansi-bold`, `ansi-red`, `ansi-on-blue`, ... */
  classes: string[];
  /** Colours beyond the 16 that have names, as `#rrggbb`. */
  colour?: string;
  ground?: string;
}

interface Style {
  bold: boolean;
  faint: boolean;
  italic: boolean;
  underline: boolean;
  inverse: boolean;
  ink: number | string | null;
  ground: number | string | null;
}

const PLAIN: Style = {
  bold: false,
  faint: false,
  italic: false,
  underline: false,
  inverse: false,
  ink: null,
  ground: null,
};
const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const ESC = "\\u001b";
const ESCAPE = new RegExp(
  [
    `${ESC}\\[([0-9;:]*)m`, // a colour or a style
    `${ESC}\\[[0-9;:?<>=!]*[ -/]*[@-~]`, // moves a cursor, clears a line, ...
    `${ESC}\\][^\\u0007\\u001b]*(?:\\u0007|${ESC}\\\\)?`, // sets a title, opens a link
    `${ESC}[ -/]*[0-~]?`,
    "[\\u0000-\\u0008\\u000b-\\u001a\\u001c-\\u001f\\u007f]",
  ].join("|"),
  "g",
);

/** Return a line as pieces that look alike each. */
export function pieces(line: string): Piece[] {
  if (!ESCAPE.test(line)) return line === "" ? [] : [{ text: line, classes: [] }];
  ESCAPE.lastIndex = 0;
  const found: Piece[] = [];
  let style = PLAIN;
  let at = 0;
  const add = (text: string) => text !== "" && found.push({ text, ...looks(style) });
  for (const match of line.matchAll(ESCAPE)) {
    add(line.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[1] !== undefined) style = changed(style, match[1]);
  }
  add(line.slice(at));
  return found;
}

/** Return the line as it is read: without what is meant for terminals. */
export function plain(line: string): string {
  ESCAPE.lastIndex = 0;
  return line.replace(ESCAPE, "");
}

function changed(style: Style, codes: string): Style {
  const numbers = codes.split(/[;:]/).map((code) => Number(code || 0));
  let next = { ...style };
  while (numbers.length > 0) {
    const code = numbers.shift() ?? 0;
    if (code === 0) next = { ...PLAIN };
    else if (code === 1) next.bold = true;
    else if (code === 2) next.faint = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 7) next.inverse = true;
    else if (code === 22) next.bold = next.faint = false;
    else if (code === 23) next.italic = false;
    else if (code === 24) next.underline = false;
    else if (code === 27) next.inverse = false;
    else if (code === 38 || code === 48) {
      const colour = extended(numbers);
      if (code === 38) next.ink = colour;
      else next.ground = colour;
    } else if (code === 39) next.ink = null;
    else if (code === 49) next.ground = null;
    else if (code >= 30 && code <= 37) next.ink = code - 30;
    else if (code >= 40 && code <= 47) next.ground = code - 40;
    else if (code >= 90 && code <= 97) next.ink = code - 82;
    else if (code >= 100 && code <= 107) next.ground = code - 92;
  }
  return next;
}

/** Take the rest of a colour out of the numbers: one of 256, or red, green and blue. */
function extended(numbers: number[]): number | string | null {
  const kind = numbers.shift();
  if (kind === 5) return ofPalette(numbers.shift() ?? 0);
  if (kind === 2) return hex(numbers.splice(0, 3));
  return null;
}

function ofPalette(index: number): number | string {
  if (index < 16) return index;
  if (index >= 232) return hex([8 + (index - 232) * 10, 8 + (index - 232) * 10, 8 + (index - 232) * 10]);
  const level = (value: number) => (value === 0 ? 0 : 55 + value * 40);
  const cube = index - 16;
  return hex([level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)]);
}

function hex(parts: number[]): string {
  const two = (value: number | undefined) =>
    Math.max(0, Math.min(255, Math.trunc(value ?? 0)))
      .toString(16)
      .padStart(2, "0");
  return `#${two(parts[0])}${two(parts[1])}${two(parts[2])}`;
}

function looks(style: Style): { classes: string[]; colour?: string; ground?: string } {
  const classes: string[] = [];
  for (const name of ["bold", "faint", "italic", "underline"] as const) if (style[name]) classes.push(`ansi-${name}`);
  const [ink, ground] = style.inverse ? [style.ground, style.ink] : [style.ink, style.ground];
  if (style.inverse && ink === null && ground === null) classes.push("ansi-inverse");
  if (typeof ink === "number") classes.push(`ansi-${named(ink)}`);
  if (typeof ground === "number") classes.push(`ansi-on-${named(ground)}`);
  return {
    classes,
    ...(typeof ink === "string" && { colour: ink }),
    ...(typeof ground === "string" && { ground }),
  };
}

function named(index: number): string {
  return `${index >= 8 ? "bright-" : ""}${NAMES[index % 8]}`;
}
