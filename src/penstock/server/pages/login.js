// Exchanges the one-time code behind the # of the address for a session. The code never reaches a log or a referrer.
"use strict";

const said = document.getElementById("said");
const code = new URLSearchParams(location.hash.slice(1)).get("c") ?? "";
history.replaceState(null, "", "/login");

async function logIn() {
  const answer = await fetch("/login", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ code }),
  });
  if (answer.ok) {
    location.replace("/reference");
    return;
  }
  const { message, hint } = await answer.json();
  said.textContent = hint ? `${message}: ${hint}` : message;
}

logIn().catch(() => { said.textContent = "The server does not answer."; });
