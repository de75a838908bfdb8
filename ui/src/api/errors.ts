// What the server says went wrong, as classes. A message says what happened and to what, a hint what to do.

export class PenstockError extends Error {
  override name = "PenstockError";
  constructor(
    message: string,
    readonly hint: string | null = null,
    readonly code = "error",
    readonly status = 0,
  ) {
    super(message);
  }
}

export class Unauthenticated extends PenstockError {}
export class Forbidden extends PenstockError {}
export class NotFound extends PenstockError {}
export class Conflict extends PenstockError {}
export class Invalid extends PenstockError {}
/** The server is busy: the same request may be made again in a moment. */
export class Busy extends PenstockError {}
/** The server does not answer. */
export class Unreachable extends PenstockError {}

const CLASSES: Record<number, typeof PenstockError> = {
  401: Unauthenticated,
  403: Forbidden,
  404: NotFound,
  409: Conflict,
  422: Invalid,
  429: Busy,
  502: Unreachable,
  503: Busy,
  504: Unreachable,
};

/** Return the error that an answer stands for. */
export async function errorOf(response: Response): Promise<PenstockError> {
  const kind = CLASSES[response.status] ?? PenstockError;
  let problem: { code?: unknown; message?: unknown; hint?: unknown } = {};
  try {
    problem = (await response.json()) as typeof problem;
  } catch {
    // a proxy in between answered with something else
  }
  const message = typeof problem.message === "string" ? problem.message : `the server answered ${response.status}`;
  const hint = typeof problem.hint === "string" ? problem.hint : null;
  return new kind(message, hint, typeof problem.code === "string" ? problem.code : "error", response.status);
}

/** Return any error as one of ours, to be shown. */
export function shown(error: unknown): PenstockError {
  if (error instanceof PenstockError) return error;
  return new PenstockError(error instanceof Error ? error.message : String(error));
}
