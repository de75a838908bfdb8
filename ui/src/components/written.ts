import { useCallback, useEffect, useRef, useState } from "react";
import { Echoes } from "./echoes";

/**
 * What is written in a box whose text lies elsewhere, in the address say. It comes back from there a little later, when
 * one may have written on; only what nobody wrote here, such as the way back, takes its place.
 */
export function useWritten(text: string, onTold: (text: string) => void) {
  const [written, write] = useState(text);
  const hears = useRef(onTold);
  useEffect(() => {
    hears.current = onTold;
  }, [onTold]);
  const [echoes] = useState(() => new Echoes());
  const tell = useCallback(
    (now: string): void => {
      echoes.said(now);
      hears.current(now);
    },
    [echoes],
  );
  useEffect(() => {
    if (echoes.isNews(text)) write(text);
  }, [echoes, text]);
  return { written, write, tell };
}
