// Where the page is: the server may be behind a prefix, which <base href> says. Always ends in a slash.
export const base: string = new URL(document.baseURI).pathname.replace(/[^/]*$/, "");

/** Return the address of something on the server, from its path without a leading slash. */
export function at(path: string): string {
  return base + path;
}

/** Go to the page that logs in, and come back to where we are. */
export function logIn(): void {
  const here = location.pathname + location.search;
  location.assign(`${base}login#next=${encodeURIComponent(here)}`);
}
