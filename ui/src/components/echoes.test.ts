import { expect, test } from "vitest";
import { Echoes } from "./echoes";

test("what comes back late does not count, also when more was said meanwhile", () => {
  const echoes = new Echoes();
  echoes.said("thre");
  echoes.said("threshold>");
  expect(echoes.isNews("thre")).toBe(false);
  expect(echoes.isNews("threshold>")).toBe(false);
});

test("of what was said in a row only the last may come back", () => {
  const echoes = new Echoes();
  for (const one of ["a", "ab", "abc"]) echoes.said(one);
  expect(echoes.isNews("abc")).toBe(false);
  expect(echoes.isNews("ab")).toBe(true); // somebody went back to it
});

test("what nobody said here counts, and what was said before it never comes back", () => {
  const echoes = new Echoes();
  echoes.said("a");
  expect(echoes.isNews("tag:best")).toBe(true);
  expect(echoes.isNews("a")).toBe(true);
});
