// The run as the server tells it: events by topic, and the table of steps put together from its parts.

const topics = ["overview", "validation", "work", "stays", "events", "samples"];
const silenceLimit = 45_000;
/** The server decimates; whatever it does, a page that is open for a week holds no more rows. */
const rowLimit = 2000;

/** Follows /stream for as long as the page is open; `heed` is told of each topic, and of the connection. */
export function follow(heed) {
  let source;
  let heardAt = Date.now();
  let table = null;

  function open() {
    source?.close();
    heardAt = Date.now();
    source = new EventSource("/stream");
    source.onopen = () => heard() || heed("link", true);
    source.onerror = () => {
      heed("link", false);
      // A refusal (a token that is no longer good, too many browsers) is not tried again by the browser.
      if (source.readyState === EventSource.CLOSED) setTimeout(retry, 2000);
    };
    for (const topic of topics) {
      source.addEventListener(topic, (event) => heard() || heed(topic, JSON.parse(event.data)));
    }
    source.addEventListener("steps", (event) => {
      heard();
      table = merged(table, JSON.parse(event.data));
      heed("steps", table);
    });
    source.addEventListener("beat", heard);
  }
  const heard = () => { heardAt = Date.now(); };

  async function retry() {
    const session = await fetch("/session").then((answer) => answer.json()).catch(() => null);
    if (session && !session.maySee) location.reload();
    open();
  }

  open();
  setInterval(() => {
    if (Date.now() - heardAt > silenceLimit) open();
  }, 5000);
}

/** `table` with the rows of `news`, which replace those of the same steps and later ones. */
export function merged(table, news) {
  const kept = table && table.generation === news.generation && table.stride === news.stride
    ? table.step.findIndex((step) => step >= news.from) : 0;
  const count = kept < 0 ? table.step.length : kept;
  const head = (values) => (values ?? []).slice(0, count);
  const joined = (before, after) => before.concat(after).slice(-rowLimit);
  const series = {};
  for (const name of new Set([...Object.keys(table?.series ?? {}), ...Object.keys(news.series)])) {
    const before = table?.series[name] ? head(table.series[name]) : new Array(count).fill(null);
    series[name] = joined(before, news.series[name] ?? new Array(news.step.length).fill(null));
  }
  return {
    generation: news.generation, stride: news.stride, series,
    step: joined(head(table?.step), news.step), time: joined(head(table?.time), news.time),
  };
}
