"""Weights in the layout of the authors' code: recognised, loaded, and the same pictures come out."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from i2i.nets import LatentUNet
from i2i_bicyclegan.discriminator import MultiScalePatchGAN
from i2i_bicyclegan.encoders import ConvEncoder, ResNetEncoder
from i2i_bicyclegan.importing import (
    EncoderImporter,
    GeneratorImporter,
    LrDiscriminatorImporter,
    VaeDiscriminatorImporter,
)

WITHIN = 1e-6  # in fp64 the two differ by the order of their sums only
OURS = {
    "latent-unet": LatentUNet,
    "resnet": ResNetEncoder,
    "conv": ConvEncoder,
    "multi-scale": MultiScalePatchGAN,
}
IMPORTERS = (GeneratorImporter, EncoderImporter, VaeDiscriminatorImporter, LrDiscriminatorImporter)
NORMS = {"instance": nn.InstanceNorm2d, "batch": nn.BatchNorm2d}


def sequence(*layers):
    return nn.Sequential(*(layer for layer in layers if layer is not None))


def leaky():
    return nn.LeakyReLU(0.2, inplace=True)


def enlarging(read, made, upsample):
    if upsample == "transposed":
        return [nn.ConvTranspose2d(read, made, 4, 2, 1)]
    grown = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    return [grown, nn.ReflectionPad2d(1), nn.Conv2d(read, made, 3)]


class CodeBlock(nn.Module):
    """A level with the code: `down`, `submodule`, `up`."""

    def __init__(self, level, sizes, outer, read, latent, upsample, norm):
        super().__init__()
        self.level, innermost = level, level == len(sizes) - 1
        inner = sizes[level]
        self.down = sequence(
            leaky() if level else None,
            nn.Conv2d(read + latent, inner, 4, 2, 1),
            norm(inner) if level and not innermost else None,
        )
        if not innermost:
            self.submodule = CodeBlock(level + 1, sizes, inner, inner, latent, upsample, norm)
        self.up = sequence(
            nn.ReLU(inplace=True),
            *enlarging(inner if innermost else 2 * inner, outer, upsample),
            norm(outer) if level else nn.Tanh(),
            nn.Dropout(0.5) if level and not innermost else None,
        )

    def forward(self, x, code):
        inside = self.down(torch.cat([x, code[:, :, None, None].expand(-1, -1, *x.shape[2:])], 1))
        up = self.up(self.submodule(inside, code) if hasattr(self, "submodule") else inside)
        return torch.cat([up, x], 1) if self.level else up


class PlainBlock(nn.Module):
    """A level without the code: one `model`, in which the level below is a layer."""

    def __init__(self, level, sizes, outer, read, upsample, norm):
        super().__init__()
        self.level, innermost = level, level == len(sizes) - 1
        inner = sizes[level]
        self.model = sequence(
            leaky() if level else None,
            nn.Conv2d(read, inner, 4, 2, 1),
            norm(inner) if level and not innermost else None,
            None if innermost else PlainBlock(level + 1, sizes, inner, inner, upsample, norm),
            nn.ReLU(inplace=True),
            *enlarging(inner if innermost else 2 * inner, outer, upsample),
            norm(outer) if level else nn.Tanh(),
            nn.Dropout(0.5) if level and not innermost else None,
        )

    def forward(self, x):
        return torch.cat([self.model(x), x], 1) if self.level else self.model(x)


class SourceGenerator(nn.Module):
    def __init__(self, inject, upsample, depth=4, a=3, b=3, latent=8, width=2, norm="instance"):
        super().__init__()
        sizes = [width * min(2**level, 8) for level in range(depth)]
        self.inject = inject
        if inject == "all":
            self.model = CodeBlock(0, sizes, b, a, latent, upsample, NORMS[norm])
        else:
            self.model = PlainBlock(0, sizes, b, a + latent, upsample, NORMS[norm])

    def forward(self, image, code):
        if self.inject == "all":
            return self.model(image, code)
        return self.model(torch.cat([image, code[:, :, None, None].expand(-1, -1, *image.shape[2:])], 1))


class SourceBlock(nn.Module):
    def __init__(self, read, made, norm):
        super().__init__()
        last = nn.Sequential(nn.Conv2d(read, made, 3, padding=1), nn.AvgPool2d(2))
        middle = nn.Conv2d(read, read, 3, padding=1)
        self.conv = nn.Sequential(norm(read), leaky(), middle, norm(read), leaky(), last)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(read, made, 1))

    def forward(self, x):
        return self.conv(x) + self.shortcut(x)


class SourceEncoder(nn.Module):
    def __init__(self, layers, last, latent):
        super().__init__()
        self.conv = nn.Sequential(*layers, nn.AvgPool2d(8))
        self.fc = nn.Sequential(nn.Linear(last, latent))
        self.fcVar = nn.Sequential(nn.Linear(last, latent))

    def forward(self, image):
        flat = self.conv(image).flatten(1)
        return self.fc(flat), self.fcVar(flat)


def residual_source(blocks, b=3, latent=8, width=2, norm="instance"):
    sizes = [width * min(n, 4) for n in range(1, blocks + 2)]
    inside = [SourceBlock(sizes[n], sizes[n + 1], NORMS[norm]) for n in range(blocks)]
    return SourceEncoder([nn.Conv2d(b, width, 4, 2, 1), *inside, leaky()], sizes[-1], latent)


def plain_source(layers, b=3, latent=8, width=2, norm="instance"):
    sizes = [width * min(2**n, 4) for n in range(layers)]
    inside = [nn.Conv2d(b, width, 4, 2, 1), leaky()]
    for read, made in itertools.pairwise(sizes):
        inside += [nn.Conv2d(read, made, 4, 2, 1), NORMS[norm](made), leaky()]
    return SourceEncoder(inside, sizes[-1], latent)


class SourceDiscriminator(nn.Module):
    def __init__(self, scales, layers=3, read=3, width=4, norm="instance"):
        super().__init__()
        self.scales = scales
        if scales == 1:
            self.model = self.scale(read, width, layers, norm)
        for scale in range(scales if scales > 1 else 0):
            setattr(self, f"model_{scale}", self.scale(read, width // 2**scale, layers, norm))

    def scale(self, read, width, layers, norm):
        sizes = [width * min(2**n, 8) for n in range(layers + 1)]
        inside = [nn.Conv2d(read, width, 4, 2, 1), leaky()]
        for n, (one, two) in enumerate(itertools.pairwise(sizes)):
            inside += [nn.Conv2d(one, two, 4, 1 if n == layers - 1 else 2, 1), NORMS[norm](two), leaky()]
        return nn.Sequential(*inside, nn.Conv2d(sizes[-1], 1, 4, 1, 1))

    def forward(self, image):
        if self.scales == 1:
            return [self.model(image)]
        scores = []
        for scale in range(self.scales):
            scores.append(getattr(self, f"model_{scale}")(image))
            image = F.avg_pool2d(image, 3, 2, 1, count_include_pad=False)
        return scores


def shapes_of(net):
    return {key: tuple(tensor.shape) for key, tensor in net.state_dict().items()}


def detect(importer, shapes):
    return importer().detect(shapes.keys(), shapes)


def imported(match, source, part, *facts):
    """Our network with the weights of another, and that other one, as they translate."""
    table = dict(match.options[part])
    ours = OURS[table.pop("name")](*facts, **table)
    ours.load_state_dict({match.keys[key]: tensor for key, tensor in source.state_dict().items()})
    return ours.double().eval(), source.double().eval()


def randomised(source):
    """Weights and running statistics that leave no layer without effect."""
    torch.manual_seed(0)
    for key, tensor in source.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(
                torch.rand(tensor.shape) + 0.5 if "running_var" in key else 0.3 * torch.randn(tensor.shape)
            )
    return source


def assert_equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert one.std() > 1e-3
        torch.testing.assert_close(one, other, atol=WITHIN, rtol=0)


@pytest.mark.parametrize(
    ("inject", "upsample", "depth", "a", "latent", "norm"),
    [
        *((*modes, 4, 3, 8, "instance") for modes in itertools.product(("all", "input"), ("transposed", "bilinear"))),
        *((*modes, 3, 1, 8, "batch") for modes in itertools.product(("all", "input"), ("transposed", "bilinear"))),
        ("all", "transposed", 2, 1, 1, "instance"),
        ("all", "transposed", 7, 3, 8, "instance"),
        ("all", "bilinear", 8, 1, 8, "instance"),
        ("input", "transposed", 2, 3, 2, "instance"),
        ("input", "bilinear", 7, 1, 8, "instance"),
        ("input", "transposed", 8, 3, 8, "instance"),
    ],
)  # fmt: skip
@torch.no_grad()
def test_a_generator(inject, upsample, depth, a, latent, norm):
    source = randomised(SourceGenerator(inject, upsample, depth, a, 2, latent, norm=norm))
    match = detect(GeneratorImporter, shapes_of(source))
    made = {"inject": inject, "width": 2, "depth": depth, "upsample": upsample, "norm": norm}
    assert match.options == {"latent": latent, "generator": {"name": "latent-unet", **made}}
    assert match.facts == {"channels": {"a": a, "b": 2}, "image_size": 2**depth}
    assert (match.files, match.unused) == (("net_G",), ())
    ours, theirs = imported(match, source, "generator", a, 2, latent)
    image, code = torch.randn(2, a, 2**depth, 2**depth).double(), torch.randn(2, latent).double()
    assert_equal(ours(image, code), theirs(image, code))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("blocks", [1, 3, 4])
@torch.no_grad()
def test_a_residual_encoder(blocks, norm):
    source = randomised(residual_source(blocks, b=1, latent=5, norm=norm))
    match = detect(EncoderImporter, shapes_of(source))
    table = {"name": "resnet", "blocks": blocks, "width": 2, "norm": norm}
    assert match.options == {"latent": 5, "encoder": table}
    assert (match.facts, match.files) == ({"channels": {"b": 1}}, ("net_E",))
    ours, theirs = imported(match, source, "encoder", 1, 5)
    image = torch.randn(2, 1, 2 ** (blocks + 4), 2 ** (blocks + 4)).double()
    assert_equal(ours(image), theirs(image))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("layers", [2, 4, 5])
@torch.no_grad()
def test_a_plain_encoder(layers, norm):
    source = randomised(plain_source(layers, b=3, latent=5, norm=norm))
    match = detect(EncoderImporter, shapes_of(source))
    table = {"name": "conv", "layers": layers, "width": 2, "norm": norm}
    assert match.options == {"latent": 5, "encoder": table}
    ours, theirs = imported(match, source, "encoder", 3, 5)
    image = torch.randn(2, 3, 2 ** (layers + 3), 2 ** (layers + 3)).double()
    assert_equal(ours(image), theirs(image))


@pytest.mark.parametrize(
    ("importer", "file"), [(VaeDiscriminatorImporter, "net_D"), (LrDiscriminatorImporter, "net_D2")]
)
@pytest.mark.parametrize(("scales", "layers", "read"), [(1, 3, 3), (2, 3, 3), (3, 2, 6), (2, 2, 4)])
@torch.no_grad()
def test_a_discriminator(importer, file, scales, layers, read):
    source = randomised(SourceDiscriminator(scales, layers, read))
    match = detect(importer, shapes_of(source))
    table = {"name": "multi-scale", "width": 4, "layers": layers, "scales": scales}
    assert match.options.get("conditional", False) == (read > 3)
    assert match.options["discriminator"] == table
    assert match.files == (file,)
    ours, theirs = imported(match, source, "discriminator", read)
    image = torch.randn(2, read, 97, 97).double()
    assert_equal(ours(image), theirs(image))


@pytest.mark.parametrize(
    ("read", "channels"),
    [(1, {"b": 1}), (2, {"a": 1, "b": 1}), (3, {"b": 3}), (4, None), (6, {"a": 3, "b": 3})],
)
def test_what_the_discriminator_tells_about_the_pictures(read, channels):
    match = detect(VaeDiscriminatorImporter, shapes_of(SourceDiscriminator(2, read=read)))
    assert match.facts.get("channels") == channels


def test_the_published_files_have_the_published_options():
    with torch.device("meta"):
        sources = SourceGenerator("all", "transposed", 8, 1, 3, 8, width=64), residual_source(4, width=64)
    G, E = (
        detect(importer, shapes_of(net)) for importer, net in zip((GeneratorImporter, EncoderImporter), sources)
    )  # fmt: skip
    generator = {"inject": "all", "width": 64, "depth": 8, "upsample": "transposed", "norm": "instance"}
    assert G.options["generator"] == {"name": "latent-unet", **generator}
    assert E.options["encoder"] == {"name": "resnet", "width": 64, "blocks": 4, "norm": "instance"}
    assert G.facts == {"channels": {"a": 1, "b": 3}, "image_size": 256}
    assert len(G.keys) == len(sources[0].state_dict()) == 32


def test_what_a_generator_does_not_tell_is_said():
    both = detect(GeneratorImporter, shapes_of(SourceGenerator("all", "transposed")))
    assert [sentence.split(",")[0] for sentence in both.assumed] == [
        "the generator's activation on the way up is relu",
        "the generator has instance norm",
    ]
    beside = detect(GeneratorImporter, shapes_of(SourceGenerator("input", "transposed", a=1, latent=8)))
    assert beside.assumed[1] == "the generator reads 9 channels: 1 of the picture, 8 of the code"


@pytest.mark.parametrize("latent", [0, 1])
def test_a_u_net_that_reads_a_picture_only_is_not_claimed(latent):
    assert detect(GeneratorImporter, shapes_of(SourceGenerator("input", "transposed", latent=latent))) is None


def test_a_u_net_without_the_biases_of_this_family_is_not_claimed():
    shapes = shapes_of(SourceGenerator("input", "transposed", norm="batch"))
    biases = [k for k in shapes if k.endswith(".bias") and len(shapes[k.replace(".bias", ".weight")]) == 4]
    pix2pix = {key: shape for key, shape in shapes.items() if key not in biases}
    assert detect(GeneratorImporter, shapes) and detect(GeneratorImporter, pix2pix) is None


SOURCES = {
    "all": lambda: SourceGenerator("all", "transposed"),
    "input": lambda: SourceGenerator("input", "bilinear"),
    "resnet": lambda: residual_source(2),
    "conv": lambda: plain_source(3),
    "multi-scale": lambda: SourceDiscriminator(2),
    "single-scale": lambda: SourceDiscriminator(1),
}


@pytest.mark.parametrize("name", SOURCES)
def test_only_a_whole_file_is_claimed_and_by_its_own_part(name):
    shapes = shapes_of(SOURCES[name]())
    claimed = [importer.__name__ for importer in IMPORTERS if detect(importer, shapes)]
    parts = {"all": "G", "input": "G", "resnet": "E", "conv": "E"}
    assert [name[0] for name in claimed] == list(parts.get(name, "VL"))
    some_key = next(iter(shapes))
    damaged = [
        {key: shape for key, shape in shapes.items() if key != some_key},
        {**shapes, "model.9.filt": (3, 3)},
        {**shapes, some_key: (*shapes[some_key][:-1], 5)},
        {},
    ]
    assert not [n for n, wrong in enumerate(damaged) for importer in IMPORTERS if detect(importer, wrong)]


def test_networks_of_others_are_not_claimed():
    resnet = {"model.1.weight": (64, 3, 7, 7), "model.10.conv_block.1.weight": (256, 256, 3, 3)}
    odd = shapes_of(SourceDiscriminator(2, width=5))  # the second scale would have half a channel less
    deep = shapes_of(
        SourceDiscriminator(2, norm="batch")
    )  # biases before batch norm, which ours does not have
    assert not [
        importer for importer in IMPORTERS for shapes in (resnet, odd, deep) if detect(importer, shapes)
    ]
