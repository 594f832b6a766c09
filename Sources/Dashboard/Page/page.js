// The page of one run: who may look, what is shown where.

import { ask, enter, offerUnlocking, session } from "/controls.js";
import { curves } from "/curves.js";
import { clock, duration, element, foreign, grouped, short } from "/figures.js";
import { samples } from "/samples.js";
import { follow } from "/stream.js";
import { showLegend, showStays, showWork } from "/workers.js";

const by = (id) => document.getElementById(id);
const stateNames = { finishingPictures: "last pictures" };
const colors = { computing: "going", applying: "going", finishingPictures: "going", complete: "going", paused: "held", pausing: "held", waiting: "held",
  stopping: "held", silent: "bad", failed: "bad" };
const seen = { overview: null, steps: null, validation: null, work: null, stays: null };
let may = { maySee: false, maySteer: false };

// MARK: Curves

const rateNames = {
  unet: "UNet", "unet plus": "UNet, LoRA+ half", textencoder: "text encoder", "textencoder plus": "text encoder, LoRA+ half",
};
const rateColors = { unet: 1, "unet plus": 3, textencoder: 4, "textencoder plus": 5 };
const charts = {};

function makeCharts() {
  charts.loss = curves(by("loss-card"), {
    title: "Loss", height: 250,
    series: (table) => [
      { name: "each step", color: 6, faint: true, values: table.series.loss, least: table.series.loss_least, most: table.series.loss_most },
      { name: "average", color: 1, values: table.series.average_loss },
      { name: "validation", color: 4, isSparse: true, values: measured(table, seen.validation) },
    ],
  });
  charts.bands = curves(by("band-card"), {
    title: "Loss by timestep", note: "smoothed",
    series: (table) => Object.keys(table.series).filter((name) => name.startsWith("band/")).sort().map((name, index) => ({
      name: bandName(Number(name.slice(5))), color: [3, 2, 4, 5, 1, 6][index % 6], values: smooth(table.series[name]),
    })),
  });
  charts.rate = curves(by("rate-card"), {
    title: "Learning rate", zero: true,
    series: (table) => Object.keys(table.series).filter((name) => name.startsWith("rate/")).sort((a, b) => b.localeCompare(a)).map((name) => ({
      name: rateNames[name.slice(5)] ?? name.slice(5), color: rateColors[name.slice(5)] ?? 6, values: table.series[name],
    })),
  });
  charts.norm = curves(by("norm-card"), {
    title: "Gradient norm", note: "before clipping", zero: true,
    series: (table) => [{ name: "norm", color: 4, values: table.series.gradient_norm }],
  });
  charts.noise = curves(by("noise-card"), {
    title: "Noise scale", note: "in samples", logarithmic: true,
    series: (table) => [
      { name: "noise scale", color: 5, values: table.series.noise_scale },
      { name: "effective batch", color: 6, values: table.series.effective_batch ?? table.series.samples },
    ],
  });
  charts.speed = curves(by("speed-card"), {
    title: "Throughput", note: "samples a second", zero: true, height: 150,
    series: (table) => [{
      name: "samples/s", color: 2,
      values: (table.series.samples ?? []).map((samples, index) => {
        const seconds = table.series.seconds?.[index];
        return samples !== null && seconds > 0 ? samples / seconds : null;
      }),
    }],
  });
}

/** What was measured after some steps only, in the rows of `table` that these belong to. */
function measured(table, points) {
  const values = new Array(table.step.length).fill(null);
  let row = 0;
  for (const [index, step] of (points?.step ?? []).entries()) {
    while (row + 1 < table.step.length && table.step[row + 1] <= step) row++;
    if (table.step[row] <= step && step < table.step[row] + table.stride) values[row] = points.loss[index];
  }
  return values;
}

const bandName = (number) => `${number * 200}–${number * 200 + 199}`;

/** A mean over about the last twenty values, exponentially weighted: a band has few samples a step. */
function smooth(values) {
  let [sum, weight] = [0, 0];
  return values.map((value) => {
    if (value === null || value === undefined) return weight ? sum / weight : null;
    [sum, weight] = [sum * 0.9 + value, weight * 0.9 + 1];
    return sum / weight;
  });
}

// MARK: The head

function showOverview(run) {
  const name = run.name || "Danlu";
  by("name").firstElementChild.textContent = name;
  document.title = `${run.steps}/${run.totalSteps} ${name}`;
  by("state").textContent = stateNames[run.state] ?? run.state;
  by("state").className = `pill ${colors[run.state] ?? ""}`;
  by("sentence").textContent = run.sentence;
  by("problems").replaceChildren(...run.problems.map((problem) => element("li", "", problem)));
  by("bar").firstElementChild.style.width = `${run.totalSteps ? run.steps / run.totalSteps * 100 : 0}%`;
  by("bar").setAttribute("aria-valuemax", run.totalSteps);
  by("bar").setAttribute("aria-valuenow", run.steps);
  by("footer").textContent = [
    run.version ? `Danlu ${run.version}` : "", run.run ? `run ${run.run}` : "", run.recipe ? `recipe ${run.recipe.slice(0, 16)}` : "",
    run.lives > 1 ? `started ${run.lives} times` : "", run.began ? `last at ${clock(run.began)}` : "",
  ].filter(Boolean).join(" · ");
  showControls();
}

function showControls() {
  const run = seen.overview;
  const canSteer = may.maySteer && run?.isLive;
  by("controls").hidden = !canSteer;
  by("unlock").hidden = may.maySteer || !run?.isLive;
  const isHeld = run?.state === "paused" || run?.state === "pausing";
  by("controls").querySelector("[data-operation=pause]").hidden = isHeld;
  by("controls").querySelector("[data-operation=resume]").hidden = !isHeld;
}

function showFigures() {
  const [run, table] = [seen.overview, seen.steps];
  if (!run) return;
  const last = (name) => table?.series[name]?.findLast((value) => value !== null && value !== undefined);
  const pace = secondsOfAStep(table);
  const left = run.totalSteps - run.steps;
  const isGoing = left > 0 && run.isLive;
  const figures = [
    ["step", grouped(run.steps), `of ${grouped(run.totalSteps)}`],
    ["epoch", run.epoch ?? "–", ""],
    ["average loss", short(last("average_loss")), ""],
    ...(seen.validation?.loss.length ? [["validation loss", short(seen.validation.loss.at(-1)), ""]] : []),
    ["effective batch", short(last("effective_batch") ?? last("samples")), "samples"],
    ["a step takes", pace ? duration(pace) : "–", ""],
    isGoing ? ["time left", pace ? duration(pace * left) : "–", ""] : ["last step", run.time ? clock(run.time) : "–", ""],
  ];
  by("figures").replaceChildren(...figures.map(([label, value, unit]) => {
    const figure = element("div");
    const number = element("dd", "", `${value} `);
    number.append(element("small", "", unit));
    figure.append(element("dt", "", label), number);
    return figure;
  }));
}

/** The median time between the last steps, so that a pause does not count. */
function secondsOfAStep(table) {
  const paces = [];
  const count = table?.step.length ?? 0;
  for (let k = Math.max(1, count - 30); k < count; k++) {
    const steps = table.step[k] - table.step[k - 1];
    if (steps > 0) paces.push((table.time[k] - table.time[k - 1]) / steps);
  }
  paces.sort((a, b) => a - b);
  return paces[Math.floor(paces.length / 2)] ?? last(table, "seconds");
}
const last = (table, name) => table?.series[name]?.at(-1) ?? null;

// MARK: Events

const eventLimit = 200;
let events = [];

function showEvents(news) {
  events = (news.isAll ? [] : events).concat(news.rows).slice(-eventLimit);
  by("events-note").textContent = events.length === eventLimit ? `the last ${eventLimit}` : "";
  const rows = events.toReversed().map((event) => {
    const row = element("li", ["left", "notFinite", "rolledBack", "notSaved", "quarantined", "leftOut", "distrusted"].includes(event.kind) ? "bad" : "");
    row.append(
      element("time", "", clock(event.time)),
      element("span", "step", event.step === null || event.step === undefined ? "" : `step ${grouped(event.step + 1)}`),
      foreign("span", "sentence", event.sentence));
    return row;
  });
  by("events").replaceChildren(...(rows.length ? rows : [element("li", "empty", "nothing yet")]));
}

// MARK: All of it

let pictures;

function heed(topic, news) {
  if (topic === "link") return void (by("link").hidden = news);
  if (topic === "events") return showEvents(news);
  if (topic === "samples") return pictures.show(news);
  seen[topic] = news;
  if (topic === "overview") showOverview(news);
  if (topic === "steps") for (const chart of Object.values(charts)) chart.show(news);
  if (topic === "validation" && seen.steps) charts.loss.show(seen.steps);
  if (topic === "work" || topic === "overview") {
    showWork(by("work"), by("work-note"), { ...seen, maySteer: may.maySteer, drain: (name) => ask("drain", name) });
  }
  if (seen.stays && topic !== "steps" && topic !== "validation") {
    const isOver = seen.overview && !seen.overview.isLive;
    showStays(by("stays"), by("stays-note"), seen.stays, isOver ? seen.overview.time : Date.now() / 1000);
  }
  showFigures();
}

function offerTexts() {
  for (const place of document.querySelectorAll("[data-text]")) {
    place.addEventListener("toggle", async () => {
      if (!place.open) return;
      const answer = await fetch(`/${place.dataset.text}`).catch(() => null);
      place.querySelector("pre").textContent = answer ? await answer.text() : "the dashboard does not answer";
    });
  }
}

function open() {
  by("gate").hidden = true;
  by("run").hidden = false;
  makeCharts();
  pictures = samples(by("samples-card"));
  showLegend(by("work-legend"));
  offerTexts();
  for (const button of document.querySelectorAll("[data-operation]")) button.onclick = () => ask(button.dataset.operation);
  offerUnlocking((found) => {
    may = found;
    heed("overview", seen.overview);
  });
  follow(heed);
}

async function begin() {
  // The link that was printed has the token behind its #; it is not kept in the address.
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname);
    may = (await enter(token)) ?? (await session());
  } else {
    may = await session();
  }
  if (may.maySee) return open();
  by("gate").hidden = false;
  by("token").focus();
  by("token-form").onsubmit = async (event) => {
    event.preventDefault();
    const found = await enter(by("token").value);
    if (!found) return void (by("token-answer").textContent = "This is not the token.");
    by("token").value = "";
    may = found;
    open();
  };
}

begin();
