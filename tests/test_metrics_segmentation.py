"""Mean IoU and pixel accuracy: counted as by hand, with segmenters of torchvision and of ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from onnx import TensorProto, helper
from safetensors.torch import save_file
from torch import Tensor
from torchvision import models

from i2i.core.errors import I2IError
from i2i.core.registry import Registry
from i2i.metrics import MIoU, PixelAccuracy, i2i_register

CLASSES, IGNORE = 3, 3
PLAIN: dict[str, Any] = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


COLOURS = [helper.make_node("Identity", ["pictures"], ["scores"])]
"""Red is class 0, green is class 1, blue is class 2."""
HALVED = [
    helper.make_node("AveragePool", ["pictures"], ["small"], kernel_shape=[2, 2], strides=[2, 2]),
    helper.make_node("Neg", ["small"], ["less"]),
    helper.make_node("Concat", ["small", "less"], ["scores"], axis=1),
]
"""The same at half the size, with more classes than there are colours."""


def onnx_file(path: Path, nodes: list[Any], side: int | None = None) -> Path:
    """A network of these nodes, for pictures of any size or of one."""
    shape = ["n", 3, "h", "w"] if side is None else [1, 3, side, side]
    pictures = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, shape)
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", "c", "y", "x"])
    graph = helper.make_graph(nodes, "segmenter", [pictures], [scores])
    # what the oldest supported ONNX Runtime reads
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return onnx_file(tmp_path_factory.mktemp("onnx") / "colours.onnx", COLOURS)


def painted(classes: Tensor) -> Tensor:
    """A picture whose colours are those of the classes (N, H, W), in [-1, 1]."""
    return torch.eye(3)[classes].movedim(-1, 1) * 2 - 1


def maps(*rows: list[int]) -> Tensor:
    return torch.tensor([rows])


def test_they_count_as_by_hand(colours: Path) -> None:
    found = maps([0, 0, 1, 1], [0, 0, 1, 0])
    asked = maps([0, 0, 1, 0], [0, 1, 1, 3])
    iou = MIoU(CLASSES, IGNORE, segmenter=colours, **PLAIN)
    accuracy = PixelAccuracy(CLASSES, IGNORE, segmenter=colours, **PLAIN)
    for metric in (iou, accuracy):
        metric.update(painted(found), asked)
    # class 0: 3 of 5 pixels, class 1: 2 of 4; class 2 is nowhere; the last pixel is don't-care
    assert iou.compute() == pytest.approx({"miou": (3 / 5 + 2 / 4) / 2, "class_0": 3 / 5, "class_1": 2 / 4})
    assert accuracy.compute() == pytest.approx(5 / 7)


def test_pixels_of_all_results_are_counted_together(colours: Path) -> None:
    metric = MIoU(CLASSES, IGNORE, segmenter=colours, **PLAIN)
    metric.update(painted(maps([0, 0, 0])), maps([0, 0, 0]))
    metric.update(painted(maps([2])), maps([0]))
    # a class that is only seen counts as 0
    assert metric.compute() == pytest.approx({"miou": (3 / 4) / 2, "class_0": 3 / 4, "class_2": 0})


def test_pictures_are_shifted_and_scaled(colours: Path) -> None:
    # after the shift, red is the brightest of three equal channels
    metric = PixelAccuracy(CLASSES, IGNORE, segmenter=colours, mean=(0.0, 0.5, 0.5), std=(1.0, 1.0, 1.0))
    metric.update(torch.zeros(1, 3, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64))
    assert metric.compute() == 1
    assert metric.protocol()["network_mean"] == "0.0, 0.5, 0.5"
    assert metric.protocol()["network"] == "colours.onnx"


def test_scores_are_resized_to_the_label_map(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "halved.onnx", HALVED)
    metric = PixelAccuracy(6, 6, segmenter=path, **PLAIN)
    left = torch.zeros(2, 8, 8, dtype=torch.int64)
    left[..., 4:] = 2
    metric.update(painted(left), left)
    assert metric.compute() == 1


def test_a_file_of_a_fixed_size_gets_its_size(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "fixed.onnx", COLOURS, side=8)
    metric = PixelAccuracy(CLASSES, IGNORE, segmenter=path, **PLAIN)
    metric.update(painted(torch.ones(2, 16, 24, dtype=torch.int64)), torch.ones(2, 16, 24, dtype=torch.int64))
    assert metric.compute() == 1


def test_a_network_of_torchvision_judges_as_it_does_alone(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = models.segmentation.lraspp_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=CLASSES
    ).eval()
    extra = {"aux_classifier.4.bias": torch.zeros(2)}
    save_file({**network.state_dict(), **extra}, tmp_path / "segmenter.safetensors")
    before = torch.get_rng_state()
    metric = PixelAccuracy(
        CLASSES,
        IGNORE,
        segmenter="lraspp_mobilenet_v3_large",
        weights=tmp_path / "segmenter.safetensors",
        **PLAIN,
    )
    assert torch.equal(torch.get_rng_state(), before)
    result = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2)) * 2 - 1
    with torch.no_grad():
        seen = network(((result + 1) * 127.5).round() / 255)["out"].argmax(1)
    metric.update(result, seen)
    assert metric.compute() == 1
    assert str(metric.protocol()["network_weights"]).startswith("sha256:")
    with pytest.raises(
        ValueError, match=r"not the weights of torchvision's lraspp.* with 5 classes: .* another shape"
    ):
        MIoU(5, 5, segmenter="lraspp_mobilenet_v3_large", weights=tmp_path / "segmenter.safetensors")


def test_what_the_label_maps_do_not_fit_is_refused(colours: Path) -> None:
    metric = MIoU(4, 4, segmenter=colours, **PLAIN)
    with pytest.raises(I2IError, match=r"makes 1x3x1x2, and wanted are scores \(N, 4, height, width\)"):
        metric.update(painted(maps([0, 1])), maps([0, 1]))
    metric = MIoU(CLASSES, IGNORE, segmenter=colours, **PLAIN)
    with pytest.raises(I2IError, match="the label maps hold 0 to 7, and there are 3 classes"):
        metric.update(painted(maps([0, 1])), maps([0, 7]))
    for empty in (metric, PixelAccuracy(CLASSES, IGNORE, segmenter=colours, **PLAIN)):
        empty.update(painted(maps([0, 1])), maps([3, 3]))
        with pytest.raises(I2IError, match="hold nothing but don't-care"):
            empty.compute()
    with pytest.raises(I2IError, match="pictures of 1 or 3 channels"):
        metric.update(torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64))


def test_wrong_segmenters_are_refused(tmp_path: Path, colours: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    for options, sentence in (
        ({}, "segmenter: name the network that looks at the results"),
        (
            {"segmenter": "deeplab"},
            r"torchvision has no 'deeplab', and it is no \.onnx file\n    did you mean 'deeplab",
        ),
        (
            {"segmenter": "fcn_resnet50"},
            r"weights: torchvision's fcn_resnet50 needs .*trained on these 3 classes",
        ),
        ({"segmenter": tmp_path / "none.onnx"}, "segmenter: there is no file .*none.onnx"),
        ({"segmenter": tmp_path / "broken.onnx"}, r"segmenter: onnxruntime cannot read .*broken\.onnx"),
        (
            {"segmenter": colours, "weights": colours},
            r"weights: .*colours\.onnx holds its own; leave the option out",
        ),
    ):
        with pytest.raises(ValueError, match=sentence):
            MIoU(CLASSES, IGNORE, **options)


def test_a_spec_names_a_file_as_a_path_and_a_network_as_text() -> None:
    registry = Registry()
    i2i_register(registry)
    for name, kind in (("nets/segmenter.onnx", Path), ("deeplabv3_resnet50", str)):
        ref = registry.resolve("metric", {"name": "miou", "segmenter": name}, "validate.metric")
        assert isinstance(ref.options["segmenter"], kind)
        assert registry.resolve("metric", ref.table(), "validate.metric") == ref
