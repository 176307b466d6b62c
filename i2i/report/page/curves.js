// Curves: one chart for each number, one colour for each run.
const DASHES = ["solid", "dash", "dot"], COLOURS = 7;
const BUTTONS = ["zoomIn2d", "zoomOut2d", "pan2d", "resetScale2d", "toImage"]; // none that asks a server
const several = facts.runs.length > 1;
const settings = { weight: 0, log: false, hidden: new Set() };

const style = (name) => getComputedStyle(root).getPropertyValue(name).trim();
// plotly reads a little HTML in texts
const plain = (text) => text.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign]);

function smoothed(values, weight) {
  let sum = 0, share = 0; // of what the values so far weigh: the first ones are not pulled to zero
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    share = weight * share + (1 - weight);
    return sum / share;
  });
}

function colourOf(series) {
  return style(`--c${(several ? series.run : series.line) % COLOURS}`);
}

function band(series, colour) {
  const edge = { x: series.steps, mode: "lines", line: { width: 0, color: colour }, hoverinfo: "skip" };
  return [{ ...edge, y: series.low }, { ...edge, y: series.high, fill: "tonexty", fillcolor: `${colour}33` }];
}

function traces(series, chart) {
  const colour = colourOf(series), line = { color: colour, dash: DASHES[series.line % DASHES.length], width: 2 };
  const words = [several ? facts.runs[series.run].name : "", chart.lines.length > 1 ? chart.lines[series.line] : ""];
  const name = plain(words.filter(Boolean).join(", ") || chart.title);
  const mode = series.steps.length === 1 ? "markers" : "lines";
  const drawn = { x: series.steps, y: smoothed(series.values, settings.weight), mode, line, marker: { color: colour }, name };
  const pale = settings.weight > 0 ? [{ ...drawn, y: series.values, opacity: 0.3, hoverinfo: "skip" }] : [];
  return [...(series.low.length ? band(series, colour) : []), ...pale, drawn];
}

// What the watch said, as lines at its steps.
function marks() {
  const shown = facts.runs.flatMap((run, n) => (settings.hidden.has(n) ? [] : run.marks.map((mark) => ({ ...mark, n }))));
  const colour = (mark) => style(several ? `--c${mark.n % COLOURS}` : "--mark");
  const shapes = shown.map((mark) => ({
    type: "line", x0: mark.step, x1: mark.step, yref: "paper", y0: 0, y1: 1, line: { color: colour(mark), width: 1, dash: "dot" },
  }));
  const annotations = shown.map((mark) => ({
    x: mark.step, xanchor: "right", yref: "paper", y: 1, yanchor: "top", textangle: -90, showarrow: false, text: plain(mark.kind), font: { size: 11, color: colour(mark) },
  }));
  return { shapes, annotations };
}

function axes(chart, grid) {
  const both = { gridcolor: grid, zerolinecolor: grid, linecolor: grid, automargin: true };
  return {
    xaxis: { ...both, title: { text: "step" }, tickformat: ",d", autorangeoptions: { clipmin: 0 } },
    yaxis: {
      ...both, title: { text: plain(chart.unit) }, type: settings.log ? "log" : "linear", uirevision: settings.log,
      rangemode: chart.from_zero ? "tozero" : "normal", hoverformat: ".4g", exponentformat: "power",
      tickformat: chart.unit === "bytes" ? ".3~s" : "",
    },
  };
}

function layout(chart) {
  const text = style("--text"), grid = style("--line");
  return {
    ...marks(), ...axes(chart, grid), uirevision: "the same zoom", showlegend: false, hovermode: "x unified", margin: { l: 50, r: 12, t: 30, b: 40 },
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: text, size: 12 },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: style("--soft"), activecolor: text },
    hoverlabel: { bgcolor: style("--panel"), bordercolor: grid, font: { color: text } },
  };
}

function draw(chart, div) {
  const seen = chart.series.filter((series) => !settings.hidden.has(series.run));
  const config = { responsive: true, displaylogo: false, displayModeBar: "hover", modeBarButtons: [BUTTONS] };
  Plotly.react(div, seen.flatMap((series) => traces(series, chart)), layout(chart), config);
}

function drawAll() {
  facts.charts.forEach((chart, n) => draw(chart, document.getElementById(`chart-${n}`)));
}

function listen(selector, event, change) {
  document.querySelectorAll(selector).forEach((control) => control.addEventListener(event, () => {
    change(control);
    drawAll();
  }));
}

redraw.push(drawAll);
drawAll();
listen("#smoothing", "input", (control) => {
  settings.weight = Number(control.value);
  document.getElementById("weight").textContent = control.value;
});
listen("#log", "change", (control) => { settings.log = control.checked; });
listen(".choose", "change", (control) => {
  if (control.checked) settings.hidden.delete(Number(control.value));
  else settings.hidden.add(Number(control.value));
});
