import { Fragment, type ReactNode } from "react";

/** Names and what they stand for; what is empty is left out. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  const said = facts.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== "");
  if (!said.length) return null;
  return (
    <dl className="facts">
      {said.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}
