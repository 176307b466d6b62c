"""Weights in the layout of the authors' code: recognised, loaded, and the same pictures come out."""

import itertools

import pytest
import torch
from sources import randomised, shapes_of
from sources_bicyclegan import SourceDiscriminator, SourceGenerator, plain_source, residual_source

from i2i.nets import LatentUNet
from i2i_bicyclegan.discriminator import MultiScalePatchGAN
from i2i_bicyclegan.encoders import ConvEncoder, ResNetEncoder
from i2i_bicyclegan.importing import (
    EncoderImporter,
    GeneratorImporter,
    discriminator_lr,
    discriminator_vae,
)

WITHIN = 1e-6  # in fp64 the two differ by the order of their sums only
OURS = {
    "latent-unet": LatentUNet,
    "resnet": ResNetEncoder,
    "conv": ConvEncoder,
    "multi-scale": MultiScalePatchGAN,
}
IMPORTERS = (GeneratorImporter, EncoderImporter, discriminator_vae, discriminator_lr)


def detect(importer, shapes):
    return importer().detect(shapes.keys(), shapes)


def imported(match, source, part, *facts):
    """Our network with the weights of another, and that other one, as they translate."""
    table = dict(match.options[part])
    ours = OURS[table.pop("name")](*facts, **table)
    ours.load_state_dict({match.keys[key]: tensor for key, tensor in source.state_dict().items()})
    return ours.double().eval(), source.double().eval()


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


@pytest.mark.parametrize("norm", ["instance", "batch"])
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


@pytest.mark.parametrize("norm", ["instance", "batch"])
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


@pytest.mark.parametrize(("importer", "file"), [(discriminator_vae, "net_D"), (discriminator_lr, "net_D2")])
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
    match = detect(discriminator_vae, shapes_of(SourceDiscriminator(2, read=read)))
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
    generator, encoder = [GeneratorImporter], [EncoderImporter]
    parts = {"all": generator, "input": generator, "resnet": encoder, "conv": encoder}
    claimed = [importer for importer in IMPORTERS if detect(importer, shapes)]
    assert claimed == parts.get(name, [discriminator_vae, discriminator_lr])
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
