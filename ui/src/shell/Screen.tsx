import "./shell.css";
import { Link, type LinkProps } from "@tanstack/react-router";
import { Fragment, type ReactNode, useEffect } from "react";
import { LiveDot } from "./LiveDot";
import { FindButton } from "./palette/FindButton";
import { ThemeSwitch } from "./ThemeSwitch";

export interface Crumb {
  label: string;
  link: LinkProps;
}

/**
 * One screen: the bar with the way to it, and what it shows.
 *
 * `tab` is the title of the browser's tab, where it says more than the title: `✕ train #42`. With `fills`, the screen
 * scrolls inside itself; else as a whole.
 */
export function Screen(props: {
  title: string;
  crumbs?: readonly Crumb[];
  actions?: ReactNode;
  tab?: string;
  fills?: boolean;
  children: ReactNode;
}) {
  const { title, crumbs = [], actions, tab, fills, children } = props;
  useEffect(() => {
    document.title = `${tab ?? title} · Penstock`;
  }, [tab, title]);
  return (
    <div className="screen">
      <header className="bar">
        <nav aria-label="Breadcrumb" className="crumbs">
          <ol>
            {crumbs.map((one) => (
              <Fragment key={one.label}>
                <li className="crumb">
                  <Link {...one.link}>{one.label}</Link>
                </li>
                <li aria-hidden="true" className="faint">
                  /
                </li>
              </Fragment>
            ))}
            <li className="crumb" aria-current="page">
              <h1 className="cut" title={title}>
                {title}
              </h1>
            </li>
          </ol>
        </nav>
        <div className="bar-actions">{actions}</div>
        <FindButton />
        <LiveDot />
        <ThemeSwitch />
      </header>
      <main id="main" className={fills ? "main fills" : "main"} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}
