"""`i2i.testing.check` finds planted faults, each by a message of its own, and nothing in a plug-in without a fault."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

import i2i.testing

SOUND = (Path(__file__).parent / "stranger.py").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Fault:
    """A change to the plug-in without a fault, and the sentence that it should cause."""

    name: str
    old: str
    new: str
    rule: str
    sentence: str


LOSS, NET, METHOD = "loss.charbonnier", "generator.shallow", "strategy.paired-gan"
ROOT = "((fake - real).square() + epsilon**2).sqrt().mean()"
FAULTS = [
    Fault(
        "a sum over the batch",
        ROOT,
        ROOT.replace("mean", "sum"),
        f"{LOSS}: mean",
        "it is a sum over the batch",
    ),
    Fault(
        "no mean over the samples",
        ROOT,
        "((fake - real).square() + epsilon**2).sqrt().mean((1, 2, 3)).max()",
        f"{LOSS}: mean",
        "return a mean over the samples, in which each sample counts alone",
    ),
    Fault(
        "a value for each sample",
        ROOT,
        ROOT.replace("mean()", "mean((1, 2, 3))"),
        f"{LOSS}: one number",
        "it gives (4,); return one number",
    ),
    Fault(
        "a detached tensor in a loss",
        ROOT,
        ROOT.replace("(fake", "(fake.detach()"),
        f"{LOSS}: one number",
        "no gradient goes from it to its first tensor",
    ),
    Fault(
        "a swallowed option of a loss",
        ROOT,
        ROOT.replace("epsilon", "1e-3"),
        f"{LOSS}: options",
        "epsilon changes nothing",
    ),
    Fault(
        "a limit where the gradient is not finite",
        "Field(gt=0, le=1)] = 1e-3",
        "Field(ge=0, le=1)] = 0.0",
        f"{LOSS}: equal pictures",
        "keep roots, logs and divisors away from zero",
    ),
    Fault(
        "random numbers in a loss",
        ROOT,
        ROOT.replace("fake -", "fake + 1e-3 * torch.randn_like(fake) -"),
        f"{LOSS}: memory",
        "it draws from random numbers that all of Python shares",
    ),
    Fault(
        "tensors changed in place",
        ROOT,
        ROOT.replace("fake -", "fake - real.mul_(0.5) -"),
        f"{LOSS}: memory",
        "it changes the tensors that it is given",
    ),
    Fault(
        "a loss without a docstring",
        '    """A smooth L1 whose gradient never vanishes."""\n',
        "",
        f"{LOSS}: summary",
        "it has no docstring",
    ),
    Fault(
        "a loss that cannot be compiled",
        ROOT,
        ROOT.replace("fake -", "fake * (1 if torch.compiler.is_compiling() else 2) -"),
        f"{LOSS}: compile",
        "compiled, it gives another value than eagerly",
    ),
    Fault(
        "values beyond the range",
        "self.last(hidden).tanh()",
        "20 * self.last(hidden)",
        f"{NET}: forward",
        "end it with tanh",
    ),
    Fault(
        "a picture of another size",
        "padding=1)\n        self.slope",
        ")\n        self.slope",
        f"{NET}: forward",
        "it should make (2, 1, 64, 64)",
    ),
    Fault(
        "an input that no fact stands for",
        "def forward(self, image: Tensor) -> Tensor:",
        "def forward(self, image: Tensor, z: Tensor) -> Tensor:",
        f"{NET}: forward",
        "its forward is called with image; it takes image, z",
    ),
    Fault(
        "a weight that is never used",
        "        self.slope = slope\n",
        "        self.slope = slope\n        self.spare = nn.Conv2d(1, 1, 1)\n",
        f"{NET}: reach",
        "no gradient reaches spare.weight, spare.bias",
    ),
    Fault(
        "a swallowed option of a network",
        "self.first(image), self.slope)",
        "self.first(image), 0.2)",
        f"{NET}: options",
        "the option slope changes nothing",
    ),
    Fault(
        "a network that looks at its neighbours",
        "self.first(image), self.slope)",
        "self.first(image - image.mean(0)), self.slope)",
        f"{NET}: samples",
        "a sample's result depends on the other samples",
    ),
    Fault(
        "a hidden state in a network",
        "        hidden = ",
        "        self.slope = 0.5 * self.slope\n        hidden = ",
        f"{NET}: state",
        "it remembers something that its state_dict does not hold",
    ),
    Fault(
        "dropout of torch's own",
        "made: Tensor = self.last(hidden)",
        "made: Tensor = self.last(nn.functional.dropout(hidden))",
        f"{NET}: random numbers",
        "its forward draws from random numbers that all of Python shares",
    ),
    Fault(
        "an option that is too free",
        "width: Annotated[int, Field(ge=1)]",
        "width: Annotated[int, Field(ge=0)]",
        f"{NET}: bounds",
        "width = 0 is allowed, but raises",
    ),
    Fault(
        "a term without weight",
        '"pixel": net.pixel(x.fake, x.b)}',
        '"pixel": net.pixel(x.fake, x.b), "extra": x.fake.mean()}',
        f"{METHOD}: steps",
        "phase 'generator': terms and objectives disagree about extra",
    ),
    Fault(
        "a detached tensor in a method",
        'net.gan(net.D(x.fake), "fool"), "pixel": net.pixel(x.fake, x.b)',
        'net.gan(net.D(x.fake.detach()), "fool"), "pixel": net.pixel(x.fake.detach(), x.b)',
        f"{METHOD}: steps",
        "phase 'generator' trains G, but its terms do not depend on any weight of G",
    ),
    Fault(
        "a sum over the images in a term",
        "net.pixel(x.fake, x.b)}",
        "(x.fake - x.b).abs().sum()}",
        f"{METHOD}: accumulation",
        "generator/pixel is a sum over the batch",
    ),
    Fault(
        "a swallowed option of a method",
        "self.noise * x.random",
        "0.1 * x.random",
        f"{METHOD}: options",
        "the option noise changes nothing",
    ),
    Fault(
        "a swallowed component",
        '"pixel": make(self.pixel)',
        '"pixel": make(i2i.Ref.of("loss", "l1", {}))',
        f"{METHOD}: options",
        "the option pixel changes nothing",
    ),
    Fault(
        "global random numbers in a method",
        "x.random.normal(x.a)",
        "torch.randn_like(x.a)",
        f"{METHOD}: random numbers",
        "draw from x.random",
    ),
    Fault(
        "global random numbers in a branch of a method",
        "x.random.uniform(x.a[:, 0, 0, 0])",
        "torch.rand(len(x.a))",
        f"{METHOD}: random numbers",
        "draw from x.random",
    ),
    Fault(
        "a penalty that is left out",
        "return losses.penalty_weight(self.gan)",
        "return 0.0",
        f"{METHOD}: adversarial losses",
        "with gan = 'wgan-gp' no phase lists a term penalty",
    ),
    Fault(
        "one detached term of several",
        '"pixel": net.pixel(x.fake, x.b)',
        '"pixel": net.pixel(x.fake.detach(), x.b)',
        f"{METHOD}: terms",
        "phase 'generator': pixel does not depend on any weight of G",
    ),
    Fault(
        "an option without a type",
        "epsilon: Annotated[float, Field(gt=0, le=1)] = 1e-3",
        "epsilon=1e-3",
        f"{LOSS}: summary",
        "the option epsilon has no type",
    ),
    Fault(
        "a method that cannot be compiled",
        "hidden = nn.functional",
        "hidden = (2 if torch.compiler.is_compiling() else 1) * nn.functional",
        f"{METHOD}: compile",
        "compiled networks do not train as eager ones do",
    ),
    Fault(
        "a sum in half precision",
        '"pixel": net.pixel(x.fake, x.b)',
        '"pixel": (999 + nn.functional.linear(net.pixel(x.fake, x.b).view(1, 1), torch.ones(1, 1)) - 999).sum()',
        f"{METHOD}: bf16",
        "compute sums, powers, logs and distances of tensors in fp32",
    ),
    Fault(
        "a hidden state in a method",
        "earlier = x.together(net.pool, x.fake.detach())",
        "earlier = x.fake.detach() * (1 + 0.1 * len(SEEN))\n        SEEN.append(1)",
        f"{METHOD}: resume",
        "something is remembered outside of the parts that build() returns",
    ),
    Fault(
        "a pool that sees its own share only",
        "earlier = x.together(net.pool, x.fake.detach())",
        "earlier = net.pool(x.fake.detach(), [(0.1, 0.2)] * len(x))",
        f"{METHOD}: processes",
        "what is fed by data (an image pool) has to see all of it",
    ),
    Fault(
        "a translation of a field that it does not name",
        "made: Tensor = net.G(x.a)",
        "made: Tensor = net.G(x.a + 0 * x.b)",
        f"{METHOD}: translation",
        "translate needs a field that takes() does not name",
    ),
    Fault(
        "a translation that is drawn anew",
        "made: Tensor = net.G(x.a)",
        "made: Tensor = net.G(0.9 * x.a + 0.1 * torch.rand_like(x.a))",
        f"{METHOD}: translation",
        "translate gives another result the second time",
    ),
    Fault(
        "a translation that looks at the batch",
        "made: Tensor = net.G(x.a)",
        "made: Tensor = net.G(x.a - x.a.mean(0))",
        f"{METHOD}: translation",
        "depends on the other pictures of its batch",
    ),
    Fault(
        "a swallowed control",
        "return x.a + strength * (made - x.a)",
        "return made",
        f"{METHOD}: controls",
        "the control strength of translate changes nothing",
    ),
    Fault(
        "a tensor that stays on its device",
        "self.first(image), self.slope)",
        "self.first(image) * torch.ones(1, 1, 2, 1).repeat(1, 1, 32, 1), self.slope)",
        f"{NET}: device",
        "a tensor stays behind when the rest is moved to another device",
    ),
    Fault(
        "a network of one size",
        "made: Tensor = self.last(hidden).tanh()",
        "made: Tensor = self.last(hidden + torch.zeros(64, 64).to(hidden)).tanh()",
        f"{NET}: sizes",
        "it works on pictures of 64×64 only",
    ),
    Fault(
        "an input changed in place",
        "hidden = nn.functional",
        "image.mul_(0.5)\n        hidden = nn.functional",
        f"{NET}: inputs",
        "its forward changes the image that it is given",
    ),
    Fault(
        "random numbers of Python",
        "self.first(image), self.slope)",
        "self.first(image * (1 + random.random())), self.slope)",
        f"{NET}: random numbers",
        "random numbers that all of Python shares",
    ),
    Fault(
        "random numbers that are seeded",
        "self.first(image), self.slope)",
        "self.first(image + 0 * torch.manual_seed(0).initial_seed()), self.slope)",
        f"{NET}: random numbers",
        "random numbers that all of Python shares",
    ),
    Fault(
        "channels that are fixed",
        "self.last = nn.Conv2d(width, out_channels, 3",
        "self.last = nn.Conv2d(width, 3, 3",
        f"{NET}: forward",
        "it should make (2, 1, 64, 64)",
    ),
    Fault(
        "a default that cannot be built",
        "self.first = nn.Conv2d(in_channels, width,",
        "self.first = nn.Conv2d(in_channels, width // (width != 16),",
        f"{NET}: defaults",
        "cannot be built with these options (ZeroDivisionError",
    ),
    Fault(
        "a network that is not finite in bf16",
        "self.first(image), self.slope)",
        "self.first(image), self.slope)\n"
        '        hidden = hidden * (float("nan") if hidden.dtype == torch.bfloat16 else 1)',
        f"{NET}: bf16",
        "in bf16 it makes values that are not finite",
    ),
    Fault(
        "a network that cannot be compiled",
        "hidden = nn.functional",
        "hidden = (2 if torch.compiler.is_compiling() else 1) * nn.functional",
        f"{NET}: compile",
        "compiled, it makes something else than eagerly",
    ),
    Fault(
        "a loss that is not finite at its limit",
        ROOT,
        f"{ROOT} / (epsilon < 1)",
        f"{LOSS}: bounds",
        "with epsilon = 1 it is not finite",
    ),
    Fault(
        "a loss in half precision",
        ROOT,
        f"999 + {ROOT} - 999",
        f"{LOSS}: bf16",
        "compute in fp32 (.float())",
    ),
    Fault(
        "a loss that leaves a tensor behind",
        ROOT,
        "(((fake - real) * torch.ones(1, 3, 1, 1)).square() + epsilon**2).sqrt().mean()",
        f"{LOSS}: device",
        "a tensor stays behind when the rest is moved to another device",
    ),
    Fault(
        "a method that divides by zero at a limit",
        "self.noise * x.random",
        "0.001 / self.noise * x.random",
        f"{METHOD}: bounds",
        "noise = 0 is allowed, but raises ZeroDivisionError",
    ),
    Fault(
        "a weight that no step reaches",
        "        self.slope = slope\n",
        "        self.slope = slope\n        self.spare = nn.Conv2d(1, 1, 1)\n",
        f"{METHOD}: reach",
        "no gradient ever reaches G.spare.weight, G.spare.bias",
    ),
    Fault(
        "a network that no phase minimises",
        '"pool": nets.ImagePool(2),',
        '"pool": nets.ImagePool(2),\n            "spare": nn.Conv2d(1, 1, 1),',
        f"{METHOD}: defaults",
        "spare: it has 2 weights that no phase minimises",
    ),
    Fault(
        "a view of maps",
        "made: Tensor = self.last(hidden)",
        "made: Tensor = self.last(hidden.view(len(hidden), -1).view_as(hidden))",
        f"{METHOD}: channels-last",
        "while it was checked for 'channels-last', it raised RuntimeError: view size is not compatible",
    ),
    Fault(
        "a preview of one column",
        "    def penalty(self) -> float:",
        '    def preview(self, net, x):\n        return {"output": net.G(x.a)}\n\n    def penalty(self) -> float:',
        f"{METHOD}: preview",
        "it should give two columns or more",
    ),
    Fault(
        "a field that is not asked for",
        'return ("a", "b")',
        'return ("a",)',
        f"{METHOD}: steps",
        "a step uses a field that wants() does not name",
    ),
    Fault(
        "results of half the size",
        "return x.a + strength * (made - x.a)",
        "return (x.a + strength * (made - x.a))[..., ::2, ::2]",
        f"{METHOD}: translation",
        "a result has the size of its input",
    ),
    Fault(
        "facts that do not hold",
        'return {"a": a, "b": 255 - a}',
        'return {"a": a, "b": (255 - a)[:, 1:]}',
        "data.ramps: facts",
        "its facts say (1, 32, 32)",
    ),
    Fault(
        "samples that are drawn anew",
        "generator=rng).item()",
        ").item()",
        "data.ramps: purity",
        "draw from the generator that load is given",
    ),
    Fault(
        "a source that no worker can have",
        "        self.size, self.count = size, count\n",
        "        self.size, self.count = size, count\n        self.key = lambda: size\n",
        "data.ramps: workers",
        "worker processes cannot be given it",
    ),
    Fault(
        "a metric of the last batch",
        "self.count += len(result)",
        "self.count = len(result)",
        "metric.sharpness: value",
        "it depends on how many results it is shown at a time",
    ),
    Fault(
        "a schedule that counts its calls",
        "        return float(0.5 ** min(60, step // steps_per_epoch // self.every))",
        "        SEEN.append(step)\n        return 1.0 / len(SEEN)",
        "schedule.halving: factors",
        "the factor of a step depends on the steps that were asked before",
    ),
]


def planted(fault: Fault, folder: Path) -> Path:
    """The plug-in with a fault."""
    assert SOUND.count(fault.old) == 1, fault.name
    file = folder / "stranger.py"
    text = (
        SOUND.replace(fault.old, fault.new)
        .replace("import torch\n", "import random\n\nimport torch\n", 1)
        .replace("\ndef charbonnier(", "\nSEEN: list[int] = []\n\n\ndef charbonnier(")
    )
    file.write_text(text, encoding="utf-8")
    return file


def test_a_plug_in_without_a_fault_passes(tmp_path: Path) -> None:
    file = tmp_path / "stranger.py"
    file.write_text(SOUND, encoding="utf-8")
    i2i.testing.check(file)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found_by_its_own_message(fault: Fault, tmp_path: Path) -> None:
    every = i2i.testing.checks(planted(fault, tmp_path))
    (check,) = [each for each in every if str(each) == fault.rule]
    found = check.run()
    assert [sentence for sentence in found if fault.sentence in sentence], found


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    text = SOUND.replace(".sqrt().mean()", ".sqrt().sum()").replace("epsilon**2", "1e-6")
    file = tmp_path / "stranger.py"
    file.write_text(text.partition("\n\nclass Shallow")[0] + REGISTERED, encoding="utf-8")
    with pytest.raises(i2i.testing.ContractError) as error:
        i2i.testing.check(file)
    assert len(error.value.sentences) == 2
    assert all(sentence.startswith("loss 'charbonnier': ") for sentence in error.value.sentences)


REGISTERED = """

@i2i.hookimpl
def i2i_register(registry: i2i.Registry) -> None:
    registry.add("loss", "charbonnier", charbonnier)
"""


# What a registry refuses before, what the engine undoes by itself, and what is planted in a loss.
ELSEWHERE = {
    *(
        "strategy: spec",
        "strategy: bad pictures",
        "strategy: summary",
        "generator: summary",
        "loss: defaults",
    ),
}


@pytest.mark.parametrize("kind", ["loss", "generator", "strategy"])
def test_every_rule_has_a_fault(kind: str) -> None:
    planted = {fault.rule.partition(": ")[2] for fault in FAULTS if fault.rule.startswith(f"{kind}.")}
    assert {rule for rule in i2i.testing.rules(kind) if f"{kind}: {rule}" not in ELSEWHERE} <= planted


def test_an_exemption_leaves_a_rule_out(tmp_path: Path) -> None:
    file = planted(FAULTS[0], tmp_path)
    rule = FAULTS[0].rule
    known = [str(check) for check in i2i.testing.checks(file)]
    assert [str(c) for c in i2i.testing.checks(file, exempt={rule: "on purpose"})] == [
        n for n in known if n != rule
    ]
    with pytest.raises(
        i2i.testing.ContractError, match=r"there is no check 'loss.charbonier: mean'\n    did you mean"
    ):
        i2i.testing.checks(file, exempt={"loss.charbonier: mean": "a slip"})


def test_a_name_that_nothing_has_is_no_silent_wish(tmp_path: Path) -> None:
    file = planted(FAULTS[0], tmp_path)
    with pytest.raises(
        i2i.testing.ContractError, match=r"small: there is no component 'loss.charbonier'\n    did you"
    ):
        i2i.testing.checks(file, small={"loss.charbonier": {"epsilon": 0.1}})


def test_a_section_of_a_recipe_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "stranger.py"
    file.write_text(SOUND.replace('"train": {"epochs"', '"trian": {"epochs"'), encoding="utf-8")
    with pytest.raises(
        i2i.testing.ContractError, match=r"its recipe has no section 'trian'\n    did you mean 'train'"
    ):
        i2i.testing.check(file)


COUNTING = '''
from torch import nn


class Counting(nn.Module):
    """Grows with every call."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def forward(self, fake, real):
        self.count += 1
        return self.count * (fake - real).abs().mean()

'''


def test_a_hidden_state_in_a_loss_is_found(tmp_path: Path) -> None:
    file = tmp_path / "stranger.py"
    file.write_text(
        f"import i2i\n{COUNTING}{REGISTERED.replace('charbonnier)', 'Counting)')}", encoding="utf-8"
    )
    with pytest.raises(i2i.testing.ContractError, match="it remembers something"):
        i2i.testing.check(file)


def test_what_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    file = tmp_path / "stranger.py"
    file.write_text("raise RuntimeError('no such luck')\n", encoding="utf-8")
    with pytest.raises(i2i.testing.ContractError, match=r"the plug-in cannot be loaded: .*no such luck"):
        i2i.testing.check(file)
    file.write_text("import i2i\n\n\n@i2i.hookimpl\ndef i2i_register(registry): ...\n", encoding="utf-8")
    with pytest.raises(i2i.testing.ContractError, match=r"registers nothing; call registry.add"):
        i2i.testing.check(file)
