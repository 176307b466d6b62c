"""Judging finished models: what metrics are shown, what is written beside their values, and what may be compared."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from helpers import registry, tiny_engine, tiny_model, tiny_spec, tiny_tables
from PIL import Image
from torch import Tensor
from trained import command, run_tables, write_spec

import i2i
from i2i.core.errors import I2IError, I2IWarning
from i2i.core.registry import Registry
from i2i.core.schema import Ref, read_signature
from i2i.spec.assemble import build_source
from i2i.spec.spec import resolve
from i2i.translate.evaluating.comparing import compare
from i2i.translate.evaluating.evaluation import FILE, Evaluation, read
from i2i.translate.evaluating.judging import Material, Subject, judge
from i2i.translate.evaluating.jury import Juror, assembled
from i2i.translate.evaluating.views import View, view_of


class Witness:
    """Keeps what it is shown."""

    higher_is_better = True

    def __init__(self) -> None:
        self.seen: list[dict[str, Tensor]] = []
        self.reals: list[Tensor] = []

    def compute(self) -> float:
        return float(len(self.seen))

    def real(self, picture: Tensor) -> None:
        self.reals.append(picture)


class OfResults(Witness):
    """Looks at results."""

    def update(self, result: Tensor) -> None:
        self.seen.append({"result": result})


class OfLabels(Witness):
    """Looks at label maps."""

    def __init__(self, classes: int, ignore: int) -> None:
        super().__init__()
        self.classes, self.ignore = classes, ignore

    def update(self, result: Tensor, labels: Tensor) -> None:
        self.seen.append({"result": result, "labels": labels})


class OfDomains(Witness):
    """Looks at domains, and learns them first."""

    passes: ClassVar[int] = 2

    def __init__(self, domains: tuple[str, ...]) -> None:
        super().__init__()
        self.domains, self.lessons = domains, list[tuple[Tensor, Tensor]]()

    def learn(self, pictures: Tensor, domains: Tensor) -> None:
        assert torch.is_grad_enabled()
        self.lessons.append((pictures, domains))

    def update(self, result: Tensor, domain: Tensor) -> None:
        self.seen.append({"domain": domain})


class OfAnswers(Witness):
    """Looks at several answers to one input."""

    answers = 3

    def update(self, answers: Tensor) -> None:
        self.seen.append({"answers": answers})


def known() -> Registry:
    """What is installed, and the witnesses."""
    every = Registry(owner="test")
    every.merge(registry())
    for name, metric in {
        "results": OfResults, "labels": OfLabels, "domains": OfDomains, "answers": OfAnswers,
    }.items():  # fmt: skip
        every.add("metric", name, metric)
    return every


def trial(strategy: str, metric: str, count: int | None = None, batch: int = 1) -> tuple[Any, View, Material]:
    """A witness after an evaluation of an untrained model."""
    spec = tiny_spec(strategy, data={"count": 20})
    engine, source = tiny_engine(spec), build_source(spec, registry())
    held_out = source.held_out()
    assert held_out is not None
    controls = read_signature(engine.strategy.translate).defaults()
    view = view_of(engine.strategy, engine.net, held_out.facts, controls)
    (juror,) = assembled([Ref.of("metric", metric, {})], known(), view)
    material = Material(view, held_out, held_out, source, count=count, batch=batch)
    judge(Subject(engine.strategy, engine.net, engine.device), [juror], material)
    return juror.metric, view, material


@pytest.mark.parametrize("strategy", ["cyclegan", "pix2pix"])
def test_results_do_not_depend_on_the_batch(strategy: str) -> None:
    one, _, material = trial(strategy, "results")
    four, _, _ = trial(strategy, "results", batch=4)
    singles = torch.cat([shown["result"] for shown in one.seen])
    together = torch.cat([shown["result"] for shown in four.seen])
    assert len(singles) == len(material.source) == 4
    assert [len(shown["result"]) for shown in four.seen] == [4]
    torch.testing.assert_close(singles, together, atol=1e-5, rtol=0)  # sums in another order


def test_real_pictures_are_those_that_results_should_be_like() -> None:
    witness, view, material = trial("cyclegan", "results")
    assert (view.field, view.made) == ("a", "b")
    reals = torch.cat(witness.reals)
    first = material.source.load(0, torch.Generator().manual_seed(0))["b"] / 127.5 - 1
    assert len(reals) == 4
    torch.testing.assert_close(reals[0], first)


def test_label_maps_are_shown_with_their_results() -> None:
    witness, _, material = trial("spade", "labels")
    shown = witness.seen[0]
    maps = material.source.load(0, torch.Generator().manual_seed(0))["label_map"]
    assert witness.classes == material.source.facts.maps["label_map"]
    assert witness.ignore == witness.classes
    assert torch.equal(shown["labels"], maps.long())
    assert shown["result"].shape[-2:] == shown["labels"].shape[-2:]


def test_domains_are_learned_and_shown_by_their_number() -> None:
    witness, view, material = trial("stargan", "domains")
    assert witness.domains == material.source.facts.exclusive[0]
    wanted = [int(shown["domain"]) for shown in witness.seen]
    assert wanted == [*range(len(view.domains))] * len(material.source)
    pictures, domains = witness.lessons[0]
    colours = [material.training.facts.domains.index(name) for name in view.domains]
    held = torch.stack(
        [material.training.load(i, torch.Generator().manual_seed(i))["domain"] for i in range(20)]
    )
    assert len(witness.lessons) == OfDomains.passes
    numbers = held[:, colours].argmax(1)
    assert sorted(domains.tolist()) == sorted(numbers.tolist())
    assert (
        domains.tolist() != numbers.tolist()
    )  # folders of one domain each are not learned one after the other
    assert len(pictures) == len(domains) == len(material.training)


def test_several_answers_have_other_random_numbers() -> None:
    witness, _, material = trial("bicyclegan", "answers")
    assert len(witness.seen) == len(material.source)
    answers = witness.seen[0]["answers"]
    assert len(answers) == OfAnswers.answers
    assert not torch.equal(answers[0], answers[1])
    assert not torch.equal(answers[0], answers[2])


def test_a_method_without_random_numbers_has_one_answer() -> None:
    with pytest.raises(
        I2IError, match="metric 'answers': this method draws no random numbers, so its 3 answers"
    ):
        trial("cyclegan", "answers")


def test_classes_take_turns_where_random_numbers_are_all_there_is() -> None:
    witness, view, _ = trial("cgan", "results", count=2 * 3)
    assert len(view.captions) == 3
    again, _, _ = trial("cgan", "results", count=3)
    assert len(witness.seen) == 6
    for one, other in zip(witness.seen, again.seen, strict=False):
        assert torch.equal(one["result"], other["result"])  # result k depends on k alone
    assert not torch.equal(witness.seen[0]["result"], witness.seen[3]["result"])


def test_what_a_metric_lacks_is_said_with_those_that_do_without() -> None:
    model = tiny_model("gan")
    view = view_of(model.strategy, model.net, model.facts, {})
    with pytest.raises(
        I2IError, match=r"metric 'labels' needs label maps as inputs.*\n.*do without:.*results"
    ):
        assembled([Ref.of("metric", "labels", {})], known(), view)


class Several(OfResults):
    """Has two values."""

    def compute(self) -> Mapping[str, float]:  # type: ignore[override]
        return {"mean": 1.0, "error": 2.0}


def test_the_first_of_several_values_counts() -> None:
    assert dict(Juror("kid", Several()).verdict()) == {"kid": 1.0, "kid_error": 2.0}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of pix2pix from two seeds, and one of another width."""
    folder = tmp_path_factory.mktemp("judged")
    for name, train, width in (("one", 0, 4), ("two", 1, 4), ("wide", 0, 8)):
        tables = run_tables("pix2pix", seed=train, checkpoint_every=2)
        tables["strategy"]["generator"] = {**tables["strategy"]["generator"], "width": width}
        tables["data"]["count"] = 20
        done = command("run", write_spec(folder / f"{name}.toml", tables), "--out", folder / name)
        assert done.code == 0, done.err
    return folder


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    """The same, for one test."""
    return Path(shutil.copytree(trained, tmp_path / "runs"))


def test_values_and_protocol_are_written_beside_the_run(runs: Path) -> None:
    (found,) = i2i.load(runs / "one").evaluate("l1")
    (written,) = read(runs / "one" / FILE)
    assert written == found
    assert found.values.keys() == {"l1", "l1_of_copying"}
    lines = [json.loads(line) for line in (runs / "one/metrics.jsonl").read_text().splitlines()]
    judged = [line["validate/l1"] for line in lines if "validate/l1" in line]
    assert found.values["l1"] == pytest.approx(judged[-1], rel=1e-5)  # lines have six digits
    assert found.protocol["count"] == 4
    assert found.protocol["size"] == 64
    assert found.model["step"] == 4
    i2i.load(runs / "one@2").evaluate("l1")
    i2i.load(runs / "one").evaluate("l1")
    i2i.load(runs / "one").evaluate("l1", count=2)
    assert [(each.model["step"], each.protocol["count"]) for each in read(runs / "one" / FILE)] == [
        (2, 4), (4, 4), (4, 2),
    ]  # fmt: skip


def test_other_data_is_named_by_settings(runs: Path) -> None:
    model = i2i.load(runs / "one")
    (held,) = model.evaluate()
    (seen,) = model.evaluate(settings=["data.split=train"])
    assert (held.protocol["inputs"], seen.protocol["inputs"]) == ("held out", "train")
    assert seen.protocol["count"] == 20
    assert held.protocol["pictures"] != seen.protocol["pictures"]
    with pytest.raises(I2IError, match=r"data\.splt: data 'demo' has no such option"):
        model.evaluate(settings=["data.splt=train"])
    with pytest.raises(I2IError, match=r"--set fid\.weights=x: this changes neither the data nor a metric"):
        model.evaluate("l1", settings=["fid.weights=x"])
    with pytest.raises(I2IError, match=r"l1\.x: metric 'l1' has no such option"):
        model.evaluate("l1", settings=["l1.x=1"])


def test_seeds_of_one_spec_are_a_row(runs: Path) -> None:
    done = command("evaluate", *(runs / name for name in ("one", "two", "wide")))
    assert done.code == 0, done.err
    assert done.out.count("copying the input") == 3
    found = compare([str(runs / name) for name in ("one", "two", "wide")])
    assert [row.seeds for row in found.rows] == [(0, 1), (0,)]
    values = [i2i.load(runs / name).evaluate("l1")[0].values["l1"] for name in ("one", "two")]
    assert found.rows[0].values["l1"] == pytest.approx(values)
    assert f"({min(values):.4g}–{max(values):.4g})" in found.rows[0].cell("l1")
    shown = command("evaluate", "--compare", *(runs / name for name in ("one", "two", "wide")))
    assert "lower is better: l1" in shown.out
    assert "0, 1" in shown.out


def test_what_was_not_measured_alike_is_refused(runs: Path) -> None:
    i2i.load(runs / "one").evaluate("l1", count=2)
    i2i.load(runs / "two").evaluate("l1")
    done = command("evaluate", "--compare", runs / "one", runs / "two")
    assert done.code == 1
    assert "l1: these were not measured alike" in done.err
    assert f"count: 2 in {runs / 'one'}, 4 in {runs / 'two'}" in done.err
    assert "size" not in done.err
    i2i.load(runs / "one").evaluate("l1")
    assert compare([str(runs / "one"), str(runs / "two")]).rows[0].seeds == (0, 1)


def test_a_run_that_was_not_judged_is_named(runs: Path) -> None:
    done = command("evaluate", "--compare", runs / "one")
    assert (done.code, done.err.strip()) == (
        1,
        f"{runs / 'one'} was not judged yet: i2i evaluate {runs / 'one'}",
    )
    i2i.load(runs / "one").evaluate("l1")
    assert "judged at step 4, not at 2" in command("evaluate", "--compare", f"{runs / 'one'}@2").err
    assert "was not judged by 'l2'" in command("evaluate", "--compare", "--metric", "l2", runs / "one").err


def test_what_compare_would_ignore_is_refused(runs: Path) -> None:
    done = command("evaluate", "--compare", "--count", 3, runs / "one")
    assert done.code == 2
    assert "--compare judges nothing, so --count would be ignored" in done.err


def test_a_file_of_something_else_is_not_overwritten(runs: Path) -> None:
    (runs / "one" / FILE).write_text("mine")
    with pytest.raises(I2IError, match="is not what i2i evaluate writes"):
        i2i.load(runs / "one").evaluate("l1")
    assert (runs / "one" / FILE).read_text() == "mine"


def folders(root: Path, counts: Mapping[str, int], side: int = 64) -> Path:
    """Folders of so many pictures of noise."""
    drawn = np.random.default_rng(0)
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True)
        for number in range(count):
            pixels = drawn.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / folder / f"{number}.png")
    return root


def untrained(strategy: str, data: Mapping[str, Any], **sections: Any) -> i2i.Model:
    """A model as it was drawn, of some data."""
    spec = resolve(tiny_tables(strategy) | {"data": data} | sections, known())
    engine = tiny_engine(spec)
    return i2i.Model(spec, engine.strategy, engine.net, build_source(spec, known()).facts, engine.device)


def judged(model: i2i.Model, metric: str | Ref = "results", **how: Any) -> Evaluation:
    """What one metric says."""
    (found,) = model.evaluate(metric, registry=known(), **how)
    return found


UNEQUAL: Mapping[str, int] = {"trainA": 3, "trainB": 2, "testA": 2, "testB": 5}


def test_inputs_of_unequal_folders_are_counted_as_they_are_judged(tmp_path: Path) -> None:
    root = folders(tmp_path / "data", UNEQUAL)
    model = untrained("cyclegan", {"name": "unpaired", "root": str(root), "size": 64})
    there, back = judged(model), judged(model, back=True)
    assert there.values["results"] == there.protocol["count"] == there.protocol["results"] == 2
    assert there.protocol["real_count"] == 5
    assert back.values["results"] == back.protocol["count"] == 5
    assert (there.protocol["translated"], back.protocol["translated"]) == ("a to b", "b to a")
    assert there.protocol["controls"] == {}  # what a method does by itself is comparable with other methods
    assert back.protocol["controls"] == {"back": "True"}


def test_the_fingerprint_knows_inputs_and_real_pictures(tmp_path: Path) -> None:
    found = []
    for name, counts in (("one", UNEQUAL), ("other", {**UNEQUAL, "trainB": 1})):
        root = folders(tmp_path / name, counts)
        model = untrained("cyclegan", {"name": "unpaired", "root": str(root), "size": 64})
        found.append(judged(model, settings=["data.split=train"]).protocol["pictures"])
    assert found[0] != found[1]


def test_the_filter_is_that_of_the_data(tmp_path: Path) -> None:
    root = folders(tmp_path / "data", {"train/x": 2, "train/y": 2, "test/x": 1, "test/y": 1})
    model = untrained("stargan", {"name": "domains", "root": str(root), "size": 64})
    assert judged(model).protocol["resize"] == "bilinear, antialiased"
    root = folders(tmp_path / "pairs", UNEQUAL)
    model = untrained("cyclegan", {"name": "unpaired", "root": str(root), "size": 64})
    assert judged(model).protocol["resize"] == "bicubic, antialiased"
    assert judged(tiny_model("cyclegan")).protocol["resize"] is None  # drawn, not resized


@pytest.mark.parametrize("setting", ["data.direction=b-to-a", "data.channels=3", "data.value_range=[0, 200]"])
def test_what_changes_the_task_is_in_the_protocol(setting: str, tmp_path: Path) -> None:
    root = folders(tmp_path / "data", {"train/a": 2, "train/b": 2, "test/a": 1, "test/b": 1})
    grey = {"name": "paired", "root": str(root), "size": 64, "channels": 3}
    model = untrained("pix2pix", grey)
    as_trained, changed = judged(model), judged(model, settings=[setting])
    assert (as_trained.protocol == changed.protocol) is (setting == "data.channels=3")  # those it has already


def test_validation_data_is_what_the_protocol_speaks_of() -> None:
    own, other = ({"name": "demo", "size": 64, "count": 20, "seed": seed} for seed in (0, 7))
    model = untrained("cyclegan", own, validate={"data": {**other, "split": "test"}})
    found = judged(model)
    assert (found.protocol["inputs"], found.protocol["drawn"]["seed"]) == ("validate.data", 7)
    # data that is named now counts, and not what the spec validates on
    named = judged(model, settings=["data.seed=3"])
    assert (named.protocol["inputs"], named.protocol["drawn"]["seed"]) == ("held out", 3)


def test_training_pictures_are_judged_whole_and_said_to_be_such(tmp_path: Path) -> None:
    root = folders(tmp_path / "data", {"trainA": 2, "trainB": 2})
    model = untrained("cyclegan", {"name": "unpaired", "root": str(root), "size": 64})
    with pytest.warns(
        I2IWarning, match="this data holds nothing out, so that the model may have been trained"
    ):
        assert judged(model).protocol["inputs"] == "train"
    demo = untrained("cyclegan", {"name": "demo", "size": 64, "load_size": 80, "count": 4})
    shown: list[Tensor] = []

    def keep(output: Tensor, truth: Tensor) -> float:
        shown.append(truth)
        return 0.0

    every = known()
    every.add("metric", "seen", keep)
    demo.evaluate("seen", settings=["data.split=train"], registry=every)
    plain = build_source(resolve(tiny_tables("cyclegan") | {"data": {
        "name": "demo", "size": 64, "load_size": 64, "flip": False, "count": 4}}, every), every)  # fmt: skip
    for index, truth in enumerate(
        shown[:8:2]
    ):  # of each picture the result, and then the input as if it were one
        still = plain.load(index, torch.Generator().manual_seed(0))["true_b"] / 127.5 - 1
        torch.testing.assert_close(truth[0], still)


def test_other_data_is_that_of_the_real_pictures_too(tmp_path: Path) -> None:
    here = folders(tmp_path / "here", {"train": 3}, side=32)
    there = folders(tmp_path / "there", {"train": 5}, side=32)
    model = untrained("gan", {"name": "images", "root": str(here), "size": 64})
    assert judged(model, count=2).protocol["real_count"] == 3
    shutil.rmtree(here)
    assert judged(model, count=2, settings=[f"data.root={there}"]).protocol["real_count"] == 5


def test_data_that_networks_were_not_made_for_is_refused(tmp_path: Path) -> None:
    root = folders(tmp_path / "data", UNEQUAL)
    model = untrained("cyclegan", {"name": "unpaired", "root": str(root), "size": 64})
    with pytest.raises(I2IError, match="'a' of this data has 1 channels, and the model was trained with 3"):
        judged(model, settings=["data.channels=1"])


def test_a_size_that_networks_cannot_take_is_said(tmp_path: Path) -> None:
    root = folders(tmp_path / "data", UNEQUAL)
    model = untrained("cyclegan", {"name": "unpaired", "root": str(root), "size": 64})
    with pytest.raises(I2IError, match=r"pictures of this size cannot be translated: .* got 66x66"):
        judged(model, settings=["data.size=66"])


def power(output: Tensor, truth: Tensor, *, exponent: float = 1.0) -> float:
    """A metric that says nothing of its options."""
    return float((output - truth).abs().pow(exponent).mean())


def test_options_of_a_metric_without_a_protocol_are_in_it() -> None:
    every = known()
    every.add("metric", "power", power)
    model = tiny_model("pix2pix")
    (one,) = model.evaluate("power", registry=every)
    (two,) = model.evaluate(i2i.Ref("power", exponent=2.0), registry=every)
    assert (one.protocol["metric.exponent"], two.protocol["metric.exponent"]) == ("1.0", "2.0")


class Lost(OfResults):
    """Gives nothing."""

    def __init__(self, *, kind: str = "none") -> None:
        super().__init__()
        self.kind = kind

    def compute(self) -> Any:
        return {"none": None, "empty": {}, "two": torch.zeros(2)}[self.kind]


class Uncounted(Witness):
    """Does not say how many answers."""

    def update(self, answers: Tensor) -> None: ...


class Learner(OfResults):
    """Would learn domains."""

    passes = 1

    def learn(self, pictures: Tensor, domains: Tensor) -> None: ...


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("lost", {"kind": "none"}, "metric 'lost': its compute gives 'None'; wanted is a number, or a table"),
        ("lost", {"kind": "empty"}, "metric 'lost': its compute gives {}; wanted is a number"),
        ("lost", {"kind": "two"}, "metric 'lost': its compute gives"),
        (
            "uncounted",
            {},
            "metric 'uncounted': its update is shown answers, so it needs an attribute `answers`",
        ),
        ("learner", {}, "metric 'learner' learns domains of which a picture has exactly one"),
    ],
)
def test_faults_of_a_strangers_metric_are_said(name: str, options: dict[str, Any], sentence: str) -> None:
    every = known()
    for other, metric in {"lost": Lost, "uncounted": Uncounted, "learner": Learner}.items():
        every.add("metric", other, metric)
    with pytest.raises(I2IError, match=sentence):
        tiny_model("pix2pix").evaluate(i2i.Ref(name, **options), registry=every)


class Drawing(OfResults):
    """Draws from torch's own numbers, as nobody should."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.rand(())

    def compute(self) -> float:
        return float(self.first + torch.rand(()))


def test_a_metric_that_draws_disturbs_nobody_and_always_draws_the_same() -> None:
    every = known()
    every.add("metric", "drawing", Drawing)
    model, values = tiny_model("pix2pix"), []
    for seed in (1, 2):
        before = torch.manual_seed(seed).get_state()
        values.append(model.evaluate("drawing", registry=every)[0].values["drawing"])
        assert torch.equal(torch.get_rng_state(), before)
    assert values[0] == values[1]


def test_checkpoints_of_one_run_are_rows_of_their_own(runs: Path) -> None:
    names = [f"{runs / name}{which}" for which in ("@2", "") for name in ("one", "two")]
    done = command("evaluate", *names)
    assert done.code == 0, done.err
    found = compare([names[0], names[2], names[1], names[3]])
    assert [(row.seeds, row.steps) for row in found.rows] == [((0, 1), (2,)), ((0, 1), (4,))]
    found = compare([str(runs / "one"), str(runs / "one")])
    assert [row.seeds for row in found.rows] == [(0,), (0,)]


@pytest.mark.parametrize("name", ["batch", "count", "settings", "registry", "progress"])
def test_what_is_no_control_is_refused(name: str, runs: Path) -> None:
    done = command("evaluate", runs / "one", "-c", f"{name}=2")
    assert done.code == 2
    assert f"-c {name}: this is no control of a method" in done.err


def test_controls_of_translating_are_refused() -> None:
    with pytest.raises(
        I2IError, match=r"control\.samples: this belongs to translating, and judging would ignore it"
    ):
        judged(tiny_model("pix2pix"), samples=2)


def test_a_picture_as_a_control_is_the_style_of_all_results(tmp_path: Path) -> None:
    model = tiny_model("bicyclegan")
    values = []
    for number, colour in enumerate(("red", "blue")):
        Image.new("RGB", (64, 64), colour).save(file := tmp_path / f"{number}.png")
        values.append(judged(model, "l1", style=file).values["l1"])
    assert values[0] != values[1]


def test_a_packed_model_is_told_where_the_data_is(tmp_path: Path) -> None:
    root = folders(tmp_path / "data", UNEQUAL)
    spec = write_spec(tmp_path / "spec.toml", run_tables("cyclegan", steps=1) | {
        "data": {"name": "unpaired", "root": str(root), "size": 64}})  # fmt: skip
    assert command("run", spec, "--out", tmp_path / "run").code == 0
    i2i.load(tmp_path / "run").export(tmp_path / "model.safetensors")
    packed = i2i.load(tmp_path / "model.safetensors")
    with pytest.raises(
        I2IError, match=r"a packed model does not know where its data is; .* --set data\.root="
    ):
        judged(packed)
    assert judged(packed, settings=[f"data.root={root}"]).protocol["count"] == 2


@pytest.mark.parametrize("model", [{}, {"step": 4}, {"step": "4", "seed": 0, "weights": "averaged"}])
def test_a_damaged_file_is_known_before_the_work(model: dict[str, Any], runs: Path) -> None:
    entry = {"metric": "l1", "values": {"l1": 1.0}, "protocol": {}, "model": model, "time": ""}
    (runs / "one" / FILE).write_text(json.dumps({"evaluations": [entry]}))
    ticks: list[str] = []
    with pytest.raises(I2IError, match=r"is not what i2i evaluate writes .*; move it away and judge anew"):
        i2i.load(runs / "one").evaluate("l1", progress=lambda what, done, whole: ticks.append(what))
    assert not ticks
    assert command("evaluate", "--compare", runs / "one").code == 1
