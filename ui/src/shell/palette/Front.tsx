import { lazy, Suspense, useEffect } from "react";
import { useKeys } from "../keys";
import { closeFront, openPalette, openSheet, useInFront } from "./open";

const Palette = lazy(() => import("./Palette").then((found) => ({ default: found.Palette })));
const Sheet = lazy(() => import("./Sheet").then((found) => ({ default: found.Sheet })));

/** The palette and the sheet of keys, when they are asked for: by Ctrl-K (or Cmd-K), and by ?. */
export function Front() {
  const shown = useInFront();
  useKeys({ "?": openSheet });
  useEffect(() => {
    const hear = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k")
        return;
      event.preventDefault();
      openPalette();
    };
    document.addEventListener("keydown", hear);
    return () => document.removeEventListener("keydown", hear);
  }, []);
  return (
    <Suspense fallback={null}>
      {shown === "palette" && <Palette onClose={closeFront} />}
      {shown === "sheet" && <Sheet onClose={closeFront} />}
    </Suspense>
  );
}
