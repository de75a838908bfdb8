// Operations in the query cache. A query's key is the operation's name and its arguments, and nothing else: so what a
// change of the server concerns is found by looking at the keys (see live/concerns.ts).
import {
  keepPreviousData,
  MutationCache,
  QueryCache,
  QueryClient,
  queryOptions,
  type UseQueryOptions,
  type UseQueryResult,
  useMutation,
  useQuery,
} from "@tanstack/react-query";
import { logIn } from "../place";
import { type Answer, type Args, call, type OpName } from "./call";
import { Busy, Unauthenticated, Unreachable } from "./errors";

export type OpKey<N extends OpName> = readonly [N, Args<N>];

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: leaveIfLoggedOut }),
  mutationCache: new MutationCache({ onError: leaveIfLoggedOut }),
  defaultOptions: {
    queries: {
      staleTime: 10_000, // the stream of changes says what is stale before that
      gcTime: 10 * 60_000,
      retry: (count, error) => (error instanceof Busy || error instanceof Unreachable) && count < 2,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

function leaveIfLoggedOut(error: unknown): void {
  if (error instanceof Unauthenticated) logIn();
}

/** Return what a query of this operation is: for `useQuery`, and to load it ahead. */
export function opQuery<N extends OpName>(op: N, args: Args<N>) {
  return queryOptions({
    queryKey: [op, args] as const,
    queryFn: ({ signal }): Promise<Answer<N>> => call(op, args, signal),
  });
}

/** Ask for an operation that only reads, and hear of it again whenever it changes. */
export function useOp<N extends OpName>(
  op: N,
  args: Args<N>,
  options: { enabled?: boolean; keepPrevious?: boolean } = {},
): UseQueryResult<Answer<N>> {
  const { enabled = true, keepPrevious = false } = options;
  const query: UseQueryOptions = { queryKey: [op, args], queryFn: ({ signal }) => call(op, args, signal), enabled };
  return useQuery(keepPrevious ? { ...query, placeholderData: keepPreviousData } : query) as UseQueryResult<Answer<N>>;
}

/** Load what a screen will need, as soon as somebody points at a link to it. */
export function prefetch<N extends OpName>(op: N, args: Args<N>): void {
  void queryClient.prefetchQuery(opQuery(op, args));
}

/** Carry out an operation that changes something. What it changed is heard of by the stream of changes. */
export function useAct<N extends OpName>(op: N) {
  return useMutation({ mutationFn: (args: Args<N>): Promise<Answer<N>> => call(op, args) });
}
