import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { EmptyState, ErrorNote } from "../components/Text";
import { Screen } from "./Screen";

/** There is no such screen. */
export function NothingHere() {
  return (
    <Screen title="Nothing here">
      <EmptyState title="There is nothing at this address" action={<Link to="/">Go to the pipelines</Link>}>
        What was here may have been deleted, or the address lost a part on its way.
      </EmptyState>
    </Screen>
  );
}

/** The page met an error that it did not expect. */
export function CrashScreen({ error, reset }: ErrorComponentProps) {
  return (
    <Screen title="Something went wrong">
      <ErrorNote error={error} again={reset} />
    </Screen>
  );
}
