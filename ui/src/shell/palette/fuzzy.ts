// Finding what somebody means by some of its letters.

const BEGINS = /[\s/_.:-]/;

/**
 * Return how well a text fits what was typed, the higher the better; null where it does not at all.
 *
 * All letters have to come in the text, in their order. Those that stand together, or begin a word, count more.
 */
export function fits(typed: string, text: string): number | null {
  const wanted = typed.toLowerCase().replace(/\s+/g, "");
  if (!wanted) return 0;
  const hay = text.toLowerCase();
  const whole = hay.indexOf(typed.toLowerCase().trim());
  if (whole >= 0) return 100 - whole / (hay.length + 1) + (whole === 0 || BEGINS.test(hay[whole - 1] ?? "") ? 20 : 0);
  let score = 0;
  let at = -1;
  for (const letter of wanted) {
    const next = hay.indexOf(letter, at + 1);
    if (next < 0) return null;
    if (next === at + 1) score += 3;
    else if (next === 0 || BEGINS.test(hay[next - 1] ?? "")) score += 2;
    else score -= Math.min(3, (next - at) / 4);
    at = next;
  }
  return (score * 10) / (wanted.length * 3) - hay.length / 1_000;
}

/** Return what fits best of some things, best first. */
export function bestOf<Thing>(
  typed: string,
  things: readonly Thing[],
  text: (thing: Thing) => string,
  most: number,
): Thing[] {
  const scored: { thing: Thing; score: number; place: number }[] = [];
  things.forEach((thing, place) => {
    const score = fits(typed, text(thing));
    if (score !== null) scored.push({ thing, score, place });
  });
  scored.sort((a, b) => b.score - a.score || a.place - b.place);
  return scored.slice(0, most).map((one) => one.thing);
}
