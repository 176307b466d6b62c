"""Gradients as long vectors, and back."""

from __future__ import annotations

import torch

from i2i.engine.buckets import buckets, joined, put_back


def test_a_bucket_ends_with_the_tensor_that_fills_it() -> None:
    tensors = [torch.zeros(n) for n in (2, 2, 5, 1, 0)]
    sizes = [[len(tensor) for tensor in bucket] for bucket in buckets(tensors, most=12)]
    assert sizes == [[2, 2], [5], [1, 0]]
    assert buckets([]) == []


def test_what_is_joined_comes_back_in_every_layout() -> None:
    tensors = [
        torch.randn(2, 3, 4, 5),
        torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
        torch.randn(3, 4).T,
        torch.randn(()),
        torch.randn(6, dtype=torch.float64),
    ]
    wanted = [2 * tensor for tensor in tensors]
    put_back(2 * joined(tensors), tensors)
    assert all(torch.equal(tensor, value) for tensor, value in zip(tensors, wanted, strict=True))
    assert tensors[1].is_contiguous(memory_format=torch.channels_last)


def test_channels_last_numbers_are_taken_as_memory_holds_them() -> None:
    tensor = torch.arange(8.0).view(1, 2, 2, 2).permute(0, 3, 1, 2)
    assert joined([tensor]).tolist() == [*range(8)]
