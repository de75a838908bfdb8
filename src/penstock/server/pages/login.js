// Exchanges a one-time code behind the # of the address, or a name and a password, for a session. Neither the code nor
// the password ever reaches an address, a log or a referrer.
"use strict";

const said = document.getElementById("said");
const form = document.getElementById("form");
const code = new URLSearchParams(location.hash.slice(1)).get("c");
history.replaceState(null, "", "/login");

async function logIn(given) {
  said.textContent = "Logging in …";
  const answer = await fetch("/login", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(given),
  });
  if (answer.ok) {
    location.replace("/reference");
    return;
  }
  const { message, hint } = await answer.json();
  said.textContent = hint ? `${message}: ${hint}` : message;
}

function begin(given) {
  logIn(given).catch(() => { said.textContent = "The server does not answer."; });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = new FormData(form);
  begin({ name: given.get("name"), password: { text: given.get("password") } });
});
if (code) begin({ code });
