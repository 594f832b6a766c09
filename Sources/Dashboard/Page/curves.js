// Line charts in SVG: some series over the steps, with axes, a range behind the first, and a reading under the pointer.

import { element, foreign, grouped, short } from "/figures.js";

const margin = { left: 52, right: 14, top: 10, bottom: 24 };

function shape(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Round numbers between `low` and `high`, about `count` of them. */
export function ticks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9) || 0; k * step <= high * (1 + 1e-12) + step * 1e-9; k++) found.push(k * step);
  return found;
}

const isKnown = (value) => value !== null && value !== undefined;

/** Powers of ten, with twos and fives between them where there are few. */
function powers(low, high) {
  const found = [];
  const isWide = Math.log10(high / low) > 4;
  for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); k++) {
    for (const factor of isWide ? [1] : [1, 2, 5]) {
      const value = factor * 10 ** k;
      if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
    }
  }
  return found;
}

/**
 * A chart in `card`.
 *
 * `series`: for a table of steps, a list of {name, color (1–6), values, faint?, least?, most?, isSparse?}; those of nulls
 * alone are left out. Where one is sparse, its points are drawn too, and lines go from each to the next. `zero` keeps 0 in sight, `logarithmic` makes the axis so where all is above 0.
 */
export function curves(card, { title, note, unit = "", height = 190, zero = false, logarithmic = false, series }) {
  const head = element("h2", "", title);
  const remark = element("small", "", note ?? "");
  const legend = element("span", "legend");
  head.append(remark, legend);
  const plot = element("div", "plot");
  const empty = element("p", "empty", "nothing yet");
  const svg = shape("svg", { role: "img", "aria-label": title });
  const tip = element("div", "tip");
  tip.hidden = true;
  plot.append(svg, tip);
  card.replaceChildren(head, empty, plot);

  let table = null;
  let total = 0;
  let view = null;
  let pointed = null;

  function lines() {
    const found = table ? series(table) : [];
    return found.filter((line) => line.values?.some((value) => value !== null && value !== undefined));
  }

  function draw() {
    const drawn = lines();
    const has = drawn.length > 0;
    empty.hidden = has;
    plot.hidden = !has;
    legend.replaceChildren(...(drawn.length > 1 ? drawn : []).map((line) => {
      const item = element("span", `k${line.color}`);
      item.append(foreign("b", "", line.name));
      return item;
    }));
    if (!has) return;
    const width = plot.clientWidth || 600;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", height);

    let low = Infinity, high = -Infinity;
    for (const line of drawn) {
      for (const values of [line.values, line.least, line.most]) {
        for (const value of values ?? []) {
          if (value === null || value === undefined) continue;
          if (value < low) low = value;
          if (value > high) high = value;
        }
      }
    }
    const isLog = logarithmic && low > 0;
    if (zero && !isLog) { low = Math.min(0, low); high = Math.max(0, high); }
    if (low === high) { const pad = Math.abs(low) * 0.1 || 1; if (!zero || low !== 0) low -= isLog ? low * 0.5 : pad; high += pad; }
    if (zero && !isLog) low = Math.min(0, low);
    const [first, last] = [table.step[0], Math.max(table.step.at(-1), table.step[0] + 1)];
    const bottom = height - margin.bottom;
    const inner = width - margin.left - margin.right;
    const x = (step) => margin.left + (step - first) / (last - first) * inner;
    const scale = isLog ? Math.log : (value) => value;
    const room = (scale(high) - scale(low)) * 0.04;
    const [floor, ceiling] = [scale(low) - (zero && low === 0 ? 0 : room), scale(high) + room];
    const y = (value) => bottom - (scale(value) - floor) / (ceiling - floor) * (bottom - margin.top);

    svg.replaceChildren();
    const isTiny = !isLog && Math.max(Math.abs(low), Math.abs(high)) < 0.01;
    const label = (value) => isTiny && value !== 0
      ? value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e") : short(value);
    const marks = isLog ? powers(low, high) : ticks(low, high, height > 200 ? 6 : 4);
    for (const value of marks.length > 2 || !isLog ? marks : ticks(low, high, 4)) {
      svg.append(
        shape("line", { class: "rule", x1: margin.left, x2: width - margin.right, y1: y(value), y2: y(value) }),
        shape("text", { x: margin.left - 8, y: y(value) + 4, "text-anchor": "end" }, label(value)));
    }
    for (const step of ticks(first, last, Math.max(2, Math.floor(inner / 110)))) {
      if (!Number.isInteger(step)) continue;
      svg.append(shape("text", { x: x(step), y: height - 5, "text-anchor": "middle" }, grouped(step)));
    }
    for (const line of drawn) {
      if (line.least && line.most && table.stride > 1) {
        const upper = path(line.most, x, y);
        const lower = path(line.least, x, y, true);
        if (upper && lower) svg.append(shape("path", { class: `range k${line.color}`, d: `${upper}L${lower.slice(1)}Z` }));
      }
      svg.append(shape("path", { class: `line k${line.color}${line.faint ? " faint" : ""}`, d: path(line.values, x, y, false, line.isSparse) }));
      if (line.isSparse || table.step.length === 1) {
        for (const [index, value] of line.values.entries()) {
          if (value === null || value === undefined) continue;
          svg.append(shape("circle", { class: `dot k${line.color}`, cx: x(table.step[index]), cy: y(value), r: line.isSparse ? 2.5 : 3.5 }));
        }
      }
    }
    view = { x, y, width, drawn, first, last, inner };
    read();
  }

  function path(values, x, y, reversed = false, isSparse = false) {
    let text = "", isOn = false;
    for (let k = 0; k < values.length; k++) {
      const index = reversed ? values.length - 1 - k : k;
      const value = values[index];
      if (value === null || value === undefined) { isOn = (reversed || isSparse) && isOn; continue; }
      text += `${isOn ? "L" : "M"}${x(table.step[index]).toFixed(1)},${y(value).toFixed(1)}`;
      isOn = true;
    }
    return text;
  }

  /** Shows what the curves are where the pointer is. */
  function read() {
    for (const old of svg.querySelectorAll(".cross, .reading")) old.remove();
    tip.hidden = pointed === null || !view;
    if (tip.hidden) return;
    const wanted = view.first + (pointed - margin.left) / view.inner * (view.last - view.first);
    let index = 0;
    for (let k = 0; k < table.step.length; k++) {
      if (Math.abs(table.step[k] - wanted) < Math.abs(table.step[index] - wanted)) index = k;
    }
    const place = view.x(table.step[index]);
    svg.append(shape("line", { class: "cross", x1: place, x2: place, y1: margin.top, y2: height - margin.bottom }));
    const step = table.step[index];
    const steps = table.stride > 1 ? `steps ${grouped(step)}–${grouped(step + table.stride - 1)}` : `step ${grouped(step)}`;
    tip.replaceChildren(element("div", "", steps));
    for (const line of view.drawn) {
      const value = line.isSparse ? line.values.slice(0, index + 1).findLast(isKnown) : line.values[index];
      if (!isKnown(value)) continue;
      if (isKnown(line.values[index])) svg.append(shape("circle", { class: `dot reading k${line.color}`, cx: place, cy: view.y(value), r: 3.5 }));
      const row = element("div", `k${line.color}`);
      row.append(foreign("span", "", `${line.name} ${short(value)}${unit}`));
      tip.append(row);
    }
    tip.style.left = `${Math.min(Math.max(0, place + 12), Math.max(0, view.width - tip.offsetWidth - 4))}px`;
    if (place + 12 + tip.offsetWidth > view.width) tip.style.left = `${Math.max(0, place - tip.offsetWidth - 12)}px`;
  }

  svg.addEventListener("pointermove", (event) => {
    pointed = event.clientX - svg.getBoundingClientRect().left;
    read();
  });
  svg.addEventListener("pointerleave", () => { pointed = null; read(); });
  let width = 0;
  new ResizeObserver(() => {
    if (plot.clientWidth !== width) { width = plot.clientWidth; draw(); }
  }).observe(plot);

  return {
    show(news, steps) { table = news; total = steps; draw(); },
    say(text) { remark.textContent = text; },
    get total() { return total; },
  };
}
