// Who works, where each one's time goes, and who was in when.

import { clock, duration, element, foreign, grouped, short } from "/figures.js";

const parts = [["compute", 2, "computing"], ["send", 3, "sending gradients"], ["broadcast", 4, "receiving weights"], ["wait", 7, "waiting"]];
const activities = {
  starting: "loading the model", connecting: "connecting", receivingWeights: "receiving weights",
  computing: "computing", painting: "making a picture", validating: "validating", idle: "idle",
};
const busy = (row) => (row.split.compute ?? 0) + (row.split.send ?? 0) + (row.split.broadcast ?? 0);

export function showLegend(place) {
  place.replaceChildren(...parts.map(([, color, name]) => {
    const item = element("span", `block k${color}`);
    item.append(element("b", "", name));
    return item;
  }));
}

/** A row for each worker: name, a stacked bar of its mean step, its speed, and a button. */
export function showWork(place, note, { work, overview, maySteer, drain }) {
  const live = new Map((overview?.workers ?? []).map((worker) => [worker.name, worker]));
  const rows = new Map((work?.rows ?? []).map((row) => [row.name, row]));
  const present = new Set([...(overview?.isLive ? live.keys() : work?.present ?? [])]);
  const names = [...new Set([...present, ...rows.keys()])].sort((a, b) =>
    present.has(b) - present.has(a) || a.localeCompare(b, "en", { numeric: true })).slice(0, 64);
  const count = overview?.isLive ? overview.workerCount : work?.presentCount ?? 0;
  const isOver = overview && !overview.isLive;
  const longest = Math.max(1e-9, ...[...rows.values()].map((row) => parts.reduce((sum, [key]) => sum + (row.split[key] ?? 0), 0)));
  const slowest = latecomer([...rows.values()].filter((row) => present.has(row.name)));

  note.textContent = [
    count === 1 ? `1 ${isOver ? "was" : "is"} in` : `${grouped(count)} ${isOver ? "were" : "are"} in`,
    count > 64 ? `the ${names.length} busiest are shown` : "",
    work?.lastStep !== undefined && work.lastStep !== null
      ? `seconds of a step, mean of steps ${grouped(work.firstStep)}–${grouped(work.lastStep)}` : "",
  ].filter(Boolean).join(" · ");

  const made = names.map((name) => {
    const row = rows.get(name);
    const worker = live.get(name);
    const line = element("div", "work-row");
    if (!present.has(name)) line.classList.add("gone");
    if (name === slowest) line.classList.add("late");
    const who = element("div");
    who.append(foreign("div", "who", name), element("div", "what", describe(worker, present.has(name) ? (isOver ? "stayed to the end" : "in") : "gone")));
    const cell = element("div", "stack-cell");
    cell.append(stack(row, longest));
    const speed = row?.samplesPerSecond ? `${short(row.samplesPerSecond)} samples/s` : "";
    line.append(who, cell, element("div", "much", speed));
    const button = element("button", "", "Drain");
    button.hidden = !maySteer || !worker || worker.isLeaving;
    button.onclick = () => drain(name);
    line.append(button);
    return line;
  });
  place.replaceChildren(...(made.length ? made : [element("p", "empty", "nobody yet")]));
}

/** The one that takes clearly longer than the others, if there is one. */
function latecomer(rows) {
  if (rows.length < 2) return null;
  const sorted = rows.toSorted((a, b) => busy(a) - busy(b));
  const median = busy(sorted[Math.floor((sorted.length - 1) / 2)]);
  const last = sorted.at(-1);
  return busy(last) > median * 1.25 && busy(last) - median > 0.02 ? last.name : null;
}

function describe(worker, otherwise) {
  if (!worker) return otherwise;
  if (worker.isLeaving) return "leaves after this step";
  const deed = activities[worker.activity] ?? worker.activity;
  return worker.isSuspect || worker.lastSeen > 3 ? `${deed}, silent for ${duration(worker.lastSeen)}` : deed;
}

function stack(row, longest) {
  const bar = element("div", "stack");
  const said = [];
  for (const [key, color, name] of parts) {
    const seconds = row?.split[key] ?? 0;
    if (seconds <= 0) continue;
    const piece = element("i", `k${color}`);
    piece.style.width = `${(seconds / longest * 100).toFixed(2)}%`;
    said.push(`${name} ${duration(seconds)}`);
    bar.append(piece);
  }
  bar.title = said.join(", ");
  bar.setAttribute("role", "img");
  bar.setAttribute("aria-label", said.join(", ") || "nothing yet");
  return bar;
}

/** A line for each worker, with a bar for each time that it was in. */
export function showStays(place, note, { stays }, until) {
  const names = [...new Set(stays.map((stay) => stay.worker))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  note.textContent = names.length > 24 ? `the first 24 of ${grouped(names.length)}` : "";
  if (!names.length) return place.replaceChildren(element("p", "empty", "nobody yet"));
  const width = Math.max(260, place.clientWidth);
  const left = width < 500 ? 84 : 150;
  const shown = names.slice(0, 24);
  const from = Math.min(...stays.map((stay) => stay.joined));
  const to = Math.max(until ?? 0, from + 1, ...stays.map((stay) => stay.left ?? 0));
  const x = (time) => left + (time - from) / (to - from) * (width - left - 6);
  const make = (tag, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const height = shown.length * 22 + 20;
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": "who was in when" });
  shown.forEach((name, index) => {
    const y = index * 22;
    const room = Math.floor((left - 8) / 7);
    const label = make("text", { x: 0, y: y + 15, direction: "ltr", "unicode-bidi": "isolate" }, name.length > room ? `${name.slice(0, room - 1)}…` : name);
    label.append(make("title", {}, name));
    svg.append(label, make("line", { class: "rule", x1: left, x2: width - 6, y1: y + 11, y2: y + 11 }));
    for (const stay of stays) {
      if (stay.worker !== name) continue;
      const end = stay.left ?? to;
      const bar = make("rect", {
        x: x(stay.joined).toFixed(1), y: y + 5, width: Math.max(2, x(end) - x(stay.joined)).toFixed(1), height: 12, rx: 2,
        class: "k2", fill: "currentColor",
      });
      bar.append(make("title", {}, `${name}: ${clock(stay.joined)} – ${stay.left ? `${clock(stay.left)}, ${stay.reason ?? "left"}` : "now"}`));
      svg.append(bar);
    }
  });
  svg.append(
    make("text", { x: left, y: height - 3 }, clock(from)),
    make("text", { x: width - 6, y: height - 3, "text-anchor": "end" }, clock(to)));
  place.replaceChildren(svg);
}
