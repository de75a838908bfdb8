import "./shell.css";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { useKeys } from "./keys";
import { NAVIGATION } from "./navigation";
import { Front } from "./palette/Front";

/** What is around every screen: the navigation, and the place of the screen. */
export function Shell() {
  const navigate = useNavigate();
  useKeys(Object.fromEntries(NAVIGATION.map(({ to, keys }) => [keys, () => void navigate({ to })])));
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <nav className="nav" aria-label="Main">
        <Link to="/" className="brand">
          <svg viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
            <rect width="16" height="16" rx="3.5" fill="var(--act)" />
            <path
              d="M4 4h3.5v8M7.5 4H12M7.5 12H12"
              fill="none"
              stroke="var(--act-ink)"
              strokeWidth="1.6"
              strokeLinecap="round"
              strokeLinejoin="round"
            />
          </svg>
          <span>Penstock</span>
        </Link>
        <ul>
          {NAVIGATION.map(({ to, label, icon: Icon }) => (
            <li key={label}>
              <Link to={to} className="nav-link" activeOptions={{ exact: to === "/", includeSearch: false }}>
                <Icon aria-hidden="true" />
                {label}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <Outlet />
      <Front />
    </div>
  );
}
