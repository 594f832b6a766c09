// What may be asked of the run: with the token, and only after a question.

const by = (id) => document.getElementById(id);
const headers = { "Content-Type": "application/json", "X-Danlu": "1" };

/** Shows the token to the server, which remembers this browser by a cookie. */
export async function enter(token) {
  const answer = await fetch("/session", { method: "POST", headers, body: JSON.stringify({ token: token.trim() }) })
    .catch(() => null);
  return answer?.ok ? answer.json() : null;
}

/** What this browser may do. */
export async function session() {
  return fetch("/session").then((answer) => answer.json());
}

const questions = {
  pause: "Pause the run after this step? The workers stay, and hold still until it is resumed.",
  resume: "Let the run go on?",
  save: "Write down the state of the run after this step?",
};

/** Asks the user, then the coordinator, and says what came of it. */
export async function ask(operation, worker) {
  const question = worker === undefined
    ? questions[operation]
    : `Let ${worker} go after this step? The others take over its slots.`;
  if (!(await confirmed(question))) return;
  toast(`asked to ${operation}${worker === undefined ? "" : ` ${worker}`}…`, 600_000);
  const answer = await fetch("/control", { method: "POST", headers, body: JSON.stringify({ operation, worker }) })
    .catch(() => null);
  if (!answer) return toast("the dashboard does not answer", 6000);
  const isJSON = answer.headers.get("Content-Type")?.startsWith("application/json");
  toast(isJSON ? (await answer.json()).sentence : await answer.text(), 6000);
}

let leave = () => {};

function confirmed(question) {
  const dialog = by("confirm");
  leave(false);
  by("confirm-question").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    leave = resolve;
    // The event comes a little after the answer: by then the next question may stand there.
    dialog.onclose = () => { if (!dialog.open) resolve(dialog.returnValue === "yes"); };
  });
}

let timer;
export function toast(text, milliseconds) {
  clearTimeout(timer);
  by("toast").textContent = text;
  by("toast").hidden = false;
  timer = setTimeout(() => { by("toast").hidden = true; }, milliseconds);
}

/** The dialogue that asks for the token on a page that may already be looked at. */
export function offerUnlocking(done) {
  const dialog = by("ask-token");
  by("unlock").onclick = () => dialog.showModal();
  by("unlock-leave").onclick = () => dialog.close();
  by("unlock-form").onsubmit = async (event) => {
    event.preventDefault();
    const found = await enter(by("unlock-token").value);
    by("unlock-answer").textContent = found ? "" : "This is not the token.";
    if (!found) return;
    by("unlock-token").value = "";
    dialog.close();
    done(found);
  };
}
