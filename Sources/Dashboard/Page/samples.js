// The pictures that the run drew: a slider over the steps, and a picture for each prompt.

import { element, foreign, grouped } from "/figures.js";

const padded = (number, digits) => String(number).padStart(digits, "0");

export function samples(card) {
  const slider = card.querySelector("input");
  const note = card.querySelector("small");
  const place = card.querySelector("#sample-pictures");
  let news = null;
  let shownStep = null;

  function show() {
    const index = Number(slider.value);
    const step = news.steps[index];
    if (step === undefined) return;
    shownStep = index === news.steps.length - 1 ? null : step;
    note.textContent = step === 0 ? "before the first step" : `after step ${grouped(step)}`;
    slider.setAttribute("aria-valuetext", note.textContent);
    const figures = news.numbers[index].map((number) => {
      const figure = element("figure");
      const picture = element("img");
      picture.src = `/samples/step-${padded(step, 6)}-${padded(number, 2)}.png`;
      picture.alt = news.prompts[number] ?? `prompt ${number + 1}`;
      picture.loading = "lazy";
      // What follows the prompt (--w 512 --d 1 …) is for whoever asks: it shows when pointed at.
      const caption = foreign("figcaption", "", picture.alt);
      caption.firstElementChild.textContent = picture.alt.split(" --")[0];
      figure.append(picture, caption);
      return figure;
    });
    place.replaceChildren(...figures);
  }

  slider.addEventListener("input", show);
  return {
    show(found) {
      news = found;
      card.hidden = !found?.steps.length;
      if (card.hidden) return;
      slider.max = found.steps.length - 1;
      const kept = shownStep === null ? -1 : found.steps.indexOf(shownStep);
      slider.value = kept < 0 ? found.steps.length - 1 : kept;
      slider.hidden = found.steps.length < 2;
      show();
    },
  };
}
