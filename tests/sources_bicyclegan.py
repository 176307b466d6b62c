"""Networks in the layout of BicycleGAN's authors, with random weights: what is imported in tests."""

import itertools

import torch
from torch import nn
from torch.nn import functional as F

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
