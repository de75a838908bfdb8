import { expect, test } from "vitest";
import { bestOf, fits } from "./fuzzy";

test.each([
  ["trn", "train-pipeline"],
  ["tp", "train-pipeline"],
  ["TRAIN pipe", "train-pipeline"],
  ["", "anything"],
])("%s fits %s", (typed, text) => {
  expect(fits(typed, text)).not.toBeNull();
});

test.each([
  ["nart", "train"],
  ["trains", "train"],
  ["x", ""],
])("%s does not fit %s", (typed, text) => {
  expect(fits(typed, text)).toBeNull();
});

test("what begins with it comes before what has it inside, and that before what has its letters here and there", () => {
  const all = ["t-r-a-i-n", "constrain", "train", "retrain"];
  expect(bestOf("train", all, (one) => one, 9)).toEqual(["train", "retrain", "constrain", "t-r-a-i-n"]);
});

test("what fits equally stays in its order, and no more than was asked for comes", () => {
  expect(bestOf("", ["b", "a", "c"], (one) => one, 2)).toEqual(["b", "a"]);
});
