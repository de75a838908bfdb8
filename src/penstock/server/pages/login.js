// Exchanges a one-time code behind the # of the address, or a name and a password, for a session. Neither the code nor
// the password ever reaches an address, a log or a referrer.
"use strict";

const said = document.getElementById("said");
const form = document.getElementById("form");
const home = new URL(".", location.href); // the server may be shown under a prefix
let next = "";

// Takes what stands behind the # out of the address.
function take() {
  const asked = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, "", "login");
  next = asked.get("next") || next;
  if (asked.get("c")) begin({ code: asked.get("c") });
}

// Where one wanted to go; to no other place than this server.
function wanted() {
  const found = new URL(next, home);
  return found.href.startsWith(home.href) ? found.href : home.href;
}

function say(text, wrong = false) {
  said.textContent = text;
  said.classList.toggle("wrong", wrong);
}

async function logIn(given) {
  say("Logging in …");
  const answer = await fetch("login", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(given),
  });
  if (answer.ok) {
    location.replace(wanted());
    return;
  }
  const { message, hint } = await answer.json();
  say(hint ? `${message}: ${hint}` : message, true);
}

function begin(given) {
  logIn(given).catch(() => say("The server does not answer.", true));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = new FormData(form);
  begin({ name: given.get("name"), password: { text: given.get("password") } });
});
addEventListener("hashchange", take);
take();
