import { useMemo } from "react";
import { type DiffLine, diffOf, nearChanges } from "./diff";
import { TextBlock } from "./TextBlock";

const SIGNS: Record<DiffLine["kind"], string> = { same: " ", added: "+", removed: "-" };

/** What changed between two texts, with a few lines around each change. */
export function Diff({ before, after, label }: { before: string; after: string; label: string }) {
  const lines = useMemo(() => nearChanges(diffOf(before, after)), [before, after]);
  return (
    <TextBlock look="diff" label={label}>
      {lines.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name
        <span key={index} data-kind={line?.kind ?? "gap"}>
          {line ? `${SIGNS[line.kind]} ${line.text}` : "⋯"}
          {"\n"}
        </span>
      ))}
    </TextBlock>
  );
}
