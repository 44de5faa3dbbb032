// Live updates and keyboard triage. Everything here is a convenience: each page works without it.

const status = document.getElementById("live-status");
const listens = (document.body.dataset.listens ?? "").split(" ").filter(Boolean);

// Live updates: hear that something changed, ask for this page again, swap the parts that differ.

const QUIET_MS = 1500; // several changes at once cost one reload
let waiting = 0;
let lastFetch = 0;

function later() {
  if (waiting) return;
  const wait = Math.max(200, lastFetch + QUIET_MS - Date.now());
  waiting = setTimeout(refresh, wait);
}

async function refresh() {
  waiting = 0;
  if (document.hidden) {
    document.addEventListener("visibilitychange", later, { once: true });
    return;
  }
  lastFetch = Date.now();
  let response;
  try {
    response = await fetch(location.href, { headers: { accept: "text/html" } });
  } catch {
    return say("This page could not be updated: the server does not answer. Reload it later.");
  }
  if (!response.ok || response.redirected) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const parts = [...document.querySelectorAll("[data-live]")];
  const changed = parts.filter((part) => swap(part, fresh)).length;
  const missing = [...fresh.querySelectorAll("[data-live]")].some((part) => !find(document, part.dataset.live));
  if (missing) say("There is more on this page now. Reload to see it.");
  else if (changed) say("This page was updated.");
}

const find = (page, name) => page.querySelector(`[data-live="${CSS.escape(name)}"]`);

// Replaces one part; a part somebody is in keeps the focus on the same link.
function swap(part, fresh) {
  const next = find(fresh, part.dataset.live);
  if (!next || next.innerHTML === part.innerHTML) return false;
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const link = focused?.getAttribute("href");
  if (focused && !link) return false;
  part.replaceWith(next);
  if (link) next.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus({ preventScroll: true });
  return true;
}

function say(words) {
  if (!status) return;
  status.textContent = words;
  status.classList.remove("quiet");
  setTimeout(() => status.classList.add("quiet"), 6000);
}

if (listens.length) {
  const stream = new EventSource("/events");
  for (const name of [...listens, "all"]) stream.addEventListener(name, later);
  addEventListener("pagehide", () => stream.close());
}

// Keyboard: j and k walk through a ranked list; a digit chooses a decision, Enter sends it.

const typing = (target) => target instanceof Element && target.closest("input, select, textarea, [contenteditable]");

function walk(step) {
  const links = [...document.querySelectorAll("ol.ranked a.open")];
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + step));
  links[next].focus();
}

function choose(digit) {
  const button = document.querySelector(`form.decide button[data-key="${digit}"]`);
  if (!button) return;
  button.focus();
  say(`${button.firstChild.textContent.trim()} is chosen. Press Enter to send it.`);
}

addEventListener("keydown", (event) => {
  if (keysOff() || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "j") walk(1);
  else if (event.key === "k") walk(-1);
  else if (/^[1-9]$/.test(event.key)) choose(event.key);
  else return;
  event.preventDefault();
});

// Single keys can get in the way of speech input and screen readers: a switch turns them off for good.

const KEYS_OFF = "auscult-keys-off";
const keysOff = () => localStorage.getItem(KEYS_OFF) === "yes";

function keySwitch() {
  const button = document.createElement("button");
  button.type = "button";
  const show = () => {
    button.textContent = `Keyboard shortcuts (j, k, 1–8): ${keysOff() ? "off" : "on"}`;
    button.setAttribute("aria-pressed", String(!keysOff()));
    document.body.classList.toggle("keys-off", keysOff());
  };
  button.addEventListener("click", () => {
    localStorage.setItem(KEYS_OFF, keysOff() ? "no" : "yes");
    show();
  });
  show();
  return button;
}

document.querySelector("footer")?.append(keySwitch());
document.body.classList.add("scripted");
