"use strict";
// Dark or light: what the system asks for, until the button says otherwise.
const facts = JSON.parse(document.getElementById("facts").textContent);
const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
const redraw = [];

function show(theme) {
  root.dataset.theme = theme;
  document.getElementById("theme").textContent = theme === "dark" ? "Light" : "Dark";
  redraw.forEach((draw) => draw());
}

show(system.matches ? "dark" : "light");
system.addEventListener("change", () => show(system.matches ? "dark" : "light"));
document.getElementById("theme").addEventListener("click", () => show(root.dataset.theme === "dark" ? "light" : "dark"));
