// Doing things from outside a component: operations that change something, and saying what went wrong.
import { toast, toastError } from "../components/Toast";
import { logIn } from "../place";
import { type Answer, type Args, call, type OpName } from "./call";
import { Unauthenticated } from "./errors";
import { queryClient } from "./queries";

/** Carry an operation out, and ask again for what the stream of changes does not tell of: the operations `stale`. */
export async function act<N extends OpName>(op: N, args: Args<N>, ...stale: OpName[]): Promise<Answer<N>> {
  try {
    return await call(op, args);
  } catch (error) {
    if (error instanceof Unauthenticated) logIn();
    throw error;
  } finally {
    if (stale.length) askAgain(...stale);
  }
}

/** Ask again for all that these operations have answered. */
export function askAgain(...ops: OpName[]): void {
  void queryClient.invalidateQueries({ predicate: ({ queryKey }) => ops.includes(queryKey[0] as OpName) });
}

/** Wait until something is done; say what was, or what went wrong. Return whether it went well. */
export async function attempt(work: Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await work;
  } catch (error) {
    toastError(error);
    return false;
  }
  if (done) toast(done);
  return true;
}
