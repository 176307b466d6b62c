"""The page: drop a picture or draw one, move the controls, look at the result and take it along."""

from __future__ import annotations

import html
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from i2i.core.errors import I2IError
from i2i.serve.canvas import draw_canvas, drawable, save_drawing
from i2i.serve.controls import draw_controls, read_controls, written
from i2i.serve.library import ASIDE, gradio
from i2i.serve.words import about, sentence
from i2i.serve.worker import Answer, Limits, Worker
from i2i.translate.model import Model

DRAWING = "drawing.png"
"""What a drawing is called as a file."""
COUNT = 8
"""Samples that a press draws, unless told otherwise."""
SEEDS = 1_000_000
"""So many seeds the dice knows."""
FAILED = "That did not work"
EVENT: Mapping[str, Any] = MappingProxyType(
    {
        "api_visibility": "private",
        "show_progress": "minimal",
        "concurrency_id": "model",  # all presses wait in one line
        "concurrency_limit": 1,
    }
)


def build_page(model: Model, *, title: str = "", limits: Limits | None = None) -> Any:
    """The page of a trained model.

    Args:
        model: as `i2i.load` gives it.
        title: of the page; the name of the method if it is empty.
        limits: of what it lets through.

    Returns:
        A `gradio.Blocks`, to be launched or mounted.

    Raises:
        I2IError: Gradio is not installed.
    """
    gr, limits = gradio(), limits or Limits()
    cache = Path(gr.utils.get_upload_folder())
    cache.mkdir(parents=True, exist_ok=True)
    worker = Worker(model, Path(tempfile.mkdtemp(prefix="results-", dir=cache)), limits)
    title = title or model.spec.strategy.name
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.Markdown(f"# {title}")
        _Page(worker).draw()
    page.queue(max_size=limits.waiting, api_open=False)
    page.has_launched = True  # else a mounted page takes any path of this machine for an uploaded file
    return page


@dataclass(frozen=True)
class _Press:
    """Something that asks for results.

    Attributes:
        event: by which Gradio is told.
        needs: what it reads beside the controls.
        act: what it does with their values.
    """

    event: Any
    needs: list[Any]
    act: Callable[..., Answer]


class _Page:
    """The parts of a page, and what happens when they are used."""

    def __init__(self, worker: Worker) -> None:
        self.gr, self.worker, self.model = gradio(), worker, worker.model
        source, *others = (name.removesuffix("?") for name in self.model.strategy.takes({}))
        self.field = "" if source == "seed" else source
        self.others = [name for name in others if name in self.model.facts.maps]

    def draw(self) -> None:
        """Draw everything: inputs and controls on the left, results on the right."""
        gr = self.gr
        told = gr.Markdown(about(self.model, {}), elem_id="about")
        with gr.Row():
            with gr.Column(min_width=300):
                with gr.Tabs():
                    presses = [*self._picture(), *self._drawing(), *self._alone()]
                self.controls = draw_controls(self.model)
                seed = self._more()
            with gr.Column(min_width=300):
                results = self._results()
        parts = [part for control in self.controls for part in control.parts]
        for press in presses:
            needs = [*press.needs, seed, *self.further, *parts]
            press.event(self._answering(press.act), needs, results, **EVENT)
        for part in parts:
            if isinstance(part, gr.Checkbox):  # another direction may take other pictures
                part.change(self._about, parts, told, **ASIDE)

    def _picture(self) -> Iterator[_Press]:
        """Where a file is dropped, and the further maps that go with it."""
        gr = self.gr
        self.further: list[Any] = []
        self.own: list[Any] = []
        if not self.field:
            return
        self.own = [
            gr.Textbox(render=False, label="samples", placeholder="1", elem_id="samples"),
            gr.Textbox(
                render=False,
                label="value_range: black, white",
                placeholder="as in training",
                elem_id="value_range",
            ),
        ]
        with gr.Tab("Picture"):
            file = gr.File(label="Drop a picture here", height=150, elem_id="picture")
            self.further = [gr.File(label=name, height=140, elem_id=name) for name in self.others]
            button = gr.Button("Translate", variant="primary", elem_id="translate")
        for event in (file.upload, button.click):
            yield _Press(event, [file, *self.own], self._translate)

    def _drawing(self) -> Iterator[_Press]:
        gr = self.gr
        if self.field and drawable(self.model.facts, self.field):
            with gr.Tab("Drawing"):
                canvas = draw_canvas(self.model.facts, self.field)
                button = gr.Button("Translate the drawing", variant="primary", elem_id="translate-drawing")
            yield _Press(button.click, [canvas, *self.own], self._translate_drawing)

    def _alone(self) -> Iterator[_Press]:
        """Samples of methods that need no input."""
        gr, most = self.gr, self.worker.limits.results
        if not self.field or self.model.strategy.prior:
            with gr.Tab("Random numbers alone"):
                count = gr.Slider(1, most, COUNT, step=1, label="samples", elem_id="count")
                button = gr.Button("Draw", variant="primary", elem_id="draw")
            yield _Press(button.click, [count], self._sample)

    def _more(self) -> Any:
        """The seed; how many results there are of each picture, and which of its values are black and white."""
        gr = self.gr
        with gr.Accordion("more", open=not self.field), gr.Row(equal_height=True):
            for part in self.own:
                part.render()
            seed = gr.Number(0, label="seed", precision=0, minimum=0, min_width=80, elem_id="seed")
            dice = gr.Button("Another seed", min_width=80, elem_id="dice")
        dice.click(lambda: random.randrange(SEEDS), outputs=seed, **ASIDE)
        return seed

    def _results(self) -> list[Any]:
        gr, looks = self.gr, {"format": "png", "interactive": False, "buttons": ["fullscreen"]}
        translates = bool(self.field)
        slider = gr.ImageSlider(label="before and after", visible=translates, elem_id="slider", **looks)
        gallery = gr.Gallery(
            show_label=False,
            visible=not translates,
            columns=4,
            object_fit="contain",
            height="auto",
            elem_id="gallery",
            **looks,
        )
        files = gr.File(
            label="Take along: original size, type and name",
            file_count="multiple",
            interactive=False,
            visible=False,
            height=200,
            elem_id="files",
        )
        return [slider, gallery, files]

    def _answering(self, act: Callable[..., Answer]) -> Callable[..., list[Any]]:
        """What a press does, its faults as sentences."""

        def answer(*values: Any) -> list[Any]:
            try:
                return self._shown(act(*values))
            except Exception as error:
                text, ours = sentence(error)
                shown = html.escape(text, quote=False).replace("\n", "<br>")
                raise self.gr.Error(shown, duration=None, title=FAILED, print_exception=not ours) from error

        return answer

    def _shown(self, answer: Answer) -> list[Any]:
        update, alone = self.gr.update, answer.comparable
        pictures = [(str(file), caption) for file, caption in answer.shown]
        return [
            update(value=[file for file, _ in pictures] if alone else None, visible=alone),
            update(value=None if alone else pictures, visible=not alone),
            update(value=[str(file) for file in answer.files], visible=True),
        ]

    def _translate(self, file: str | None, samples: str | None, values: str | None, *common: Any) -> Answer:
        if not file:
            raise I2IError("drop a picture first")
        own = {"samples": written(samples, "samples"), "value_range": written(values, "value_range")}
        return self.worker.translate(Path(file), {**own, **self._asked(common)})

    def _translate_drawing(self, drawn: Any, *asked: Any) -> Answer:
        with tempfile.TemporaryDirectory() as folder:
            file = save_drawing(drawn, self.model.facts, self.field, Path(folder, DRAWING))
            return self._translate(str(file), *asked)

    def _sample(self, count: int, *common: Any) -> Answer:
        return self.worker.sample(count, self._asked(common))

    def _asked(self, common: Sequence[Any]) -> dict[str, Any]:
        """The controls that are given: the seed, the further maps, and those of the method."""
        seed, *rest = common
        maps, values = rest[: len(self.others)], rest[len(self.others) :]
        given = {name: Path(file) for name, file in zip(self.others, maps, strict=True) if file}
        return {"seed": seed or 0, **given, **read_controls(self.controls, values)}

    def _about(self, *values: Any) -> str:
        return about(self.model, read_controls(self.controls, values))
