// Numbers and times as people read them.

const digits = (value, count) => Number(value.toPrecision(count));

/** 0.0312, 1.25, 1240, 1.5e-5: three digits that matter. */
export function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
  return size >= 1000 ? Math.round(value).toString() : digits(value, 3).toString();
}

export const grouped = (value) => value.toLocaleString("en-US").replaceAll(",", "\u202f");

/** 48 s, 12 min, 3 h 05 min, 2 d 4 h. */
export function duration(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 90) return `${seconds < 10 ? digits(seconds, 2) : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The hour, and the day where it is another than today's. */
export function clock(seconds) {
  const date = new Date(seconds * 1000);
  const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  if (date.toDateString() === new Date().toDateString()) return time;
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${time.slice(0, 5)}`;
}

/** An element with text in it; what comes from a run is only ever text. */
export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A name or caption that is not ours, kept from turning the text around it. */
export function foreign(tag, className, text) {
  const made = element(tag, className);
  const inner = document.createElement("bdi");
  inner.textContent = text;
  made.append(inner);
  made.title = text;
  return made;
}
