// Previews over time, and two of them one over the other.
const withPictures = facts.runs.filter((run) => run.whole.length);

function put(image, picture) {
  image.src = picture.source;
  image.width = picture.width;
  image.height = picture.height;
}

function figure(run) {
  const figure = document.createElement("figure"), image = new Image(), caption = document.createElement("figcaption");
  figure.append(caption, image);
  return {
    figure,
    show(step) {
      const picture = run.whole.findLast((each) => each.step <= step) || run.whole[0];
      caption.textContent = `${several ? `${run.name}, ` : ""}step ${picture.step.toLocaleString("en")}`;
      image.alt = `preview, ${caption.textContent}`;
      put(image, picture);
    },
  };
}

function slide() {
  const steps = [...new Set(withPictures.flatMap((run) => run.whole.map((picture) => picture.step)))].sort((a, b) => a - b);
  const slider = document.getElementById("slider"), figures = withPictures.map(figure);
  const move = () => {
    const step = steps[slider.value];
    document.getElementById("when").textContent = step.toLocaleString("en");
    figures.forEach((each) => each.show(step));
  };
  document.getElementById("shown").append(...figures.map((each) => each.figure));
  slider.max = steps.length - 1;
  slider.value = slider.max;
  slider.addEventListener("input", move);
  move();
}

// Left of the edge the one, right of it the other.
function swipe() {
  const pictures = facts.runs.flatMap((run) => [...run.whole, ...run.columns].map((picture) => ({ ...picture, run: run.name })));
  const box = document.getElementById("swipe"), edge = document.getElementById("edge");
  const left = document.getElementById("left"), right = document.getElementById("right");
  const label = (picture) => [several ? picture.run : "", `step ${picture.step.toLocaleString("en")}`, picture.label].filter(Boolean).join(", ");
  const move = () => {
    box.style.setProperty("--at", `${edge.value}%`);
    document.getElementById("over").style.clipPath = `inset(0 0 0 ${edge.value}%)`;
  };
  const choose = () => {
    [[left, "under"], [right, "over"]].forEach(([select, id]) => {
      const picture = pictures[select.value], image = document.getElementById(id);
      put(image, picture);
      image.alt = label(picture);
    });
  };
  [left, right].forEach((select) => {
    pictures.forEach((picture, n) => select.append(new Option(label(picture), n)));
    select.addEventListener("change", choose);
  });
  const last = (run) => pictures.findLastIndex((picture) => picture.run === run.name && !picture.label);
  left.value = withPictures.length > 1 ? last(withPictures[0]) : 0;
  right.value = last(withPictures[withPictures.length > 1 ? 1 : 0]);
  edge.addEventListener("input", move);
  choose();
  move();
}

if (withPictures.length) {
  slide();
  swipe();
}
