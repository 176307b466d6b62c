"""What the numbers of a label vector mean, how well they are met, and how a wish changes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

import i2i
from i2i.losses import single


@dataclass(frozen=True)
class Labels:
    """The domains of the data. A label vector (N, domains) holds 1 where a picture is of a domain, else 0.

    Attributes:
        domains: their names.
        exclusive: groups of domains of which a picture has one at a time.
        sets: where sets with labels of their own are joined, the domains of each; else empty.
        image_size: of the pictures that the critic reads labels from.
    """

    domains: tuple[str, ...]
    exclusive: tuple[tuple[str, ...], ...] = ()
    sets: tuple[tuple[str, ...], ...] = ()
    image_size: int = 0

    def told(self, labels: Tensor, mask: Tensor | None) -> Tensor:
        """What the generator is told: the labels and, where sets are joined, which of the sets speaks."""
        return labels if mask is None else torch.cat([labels, mask], 1)

    def mismatch(self, logits: Tensor, labels: Tensor, mask: Tensor | None) -> Tensor:
        """How far logits (N, domains) are from labels: a mean over the pictures.

        A set of which a picture has one domain is judged by cross-entropy, another by binary cross-entropy, summed over
        its attributes (section 3.2, and 3.3 for joined sets).

        Args:
            logits: what the critic says.
            labels: what it should say; only those of a picture's own set count.
            mask: (N, sets), 1 for the set that a picture is from; None for one set.
        """
        logits, labels = single(logits), single(labels)
        each = torch.stack([self._mismatch(logits, labels, names) for names in self._sets], 1)
        return each.mean() if mask is None else (each * mask).sum(1).mean()

    def _mismatch(self, logits: Tensor, labels: Tensor, names: Sequence[str]) -> Tensor:
        """(N,), over the domains of one set."""
        here = self._columns(names)
        if set(names) in map(set, self.exclusive):
            return F.cross_entropy(logits[:, here], labels[:, here], reduction="none")
        attributes = F.binary_cross_entropy_with_logits(logits[:, here], labels[:, here], reduction="none")
        return attributes.sum(1)

    def read(self, logits: Tensor) -> Tensor:
        """The labels that logits say: what is above zero, of a group at most the highest.

        A group that is a whole set always has one; of a group among other attributes (hair colours) none may hold.
        """
        labels = (logits > 0).to(logits.dtype)
        for group in self.exclusive:
            here = self._columns(group)
            highest = F.one_hot(logits[:, here].argmax(1), len(here)).to(labels)
            whole = set(group) in map(set, self._sets)
            labels[:, here] = highest if whole else highest * labels[:, here]
        return labels

    def chosen(self, wish: str | int | Sequence[str | int], control: str) -> tuple[str, ...]:
        """The names that a control holds.

        Raises:
            ValueError: there is no such domain, or they cannot stand side by side.
        """
        names = tuple(dict.fromkeys(map(str, [wish] if isinstance(wish, (str, int)) else wish)))
        for name in names:
            if name not in self.domains:
                listed = [word.strip() for word in name.strip("[]").split(",")]
                several = len(listed) > 1 and {*listed} <= {*self.domains}
                hint = (
                    f"several are a list: '{control}={json.dumps(listed)}'"
                    if several
                    else i2i.nearest(name, self.domains)
                )
                raise ValueError(f"{control}: there is no domain '{name}'; {hint}")
        if len({self.beside(name) for name in names}) > 1:
            raise ValueError(
                f"{control}: {' and '.join(names)} are labels of different data sets, of which one speaks at a time; "
                "keep those of one set"
            )
        for group in self.exclusive:
            if len(both := [name for name in names if name in group]) > 1:
                raise ValueError(f"{control}: {' and '.join(both)} exclude each other; keep one of them")
        return names

    def beside(self, name: str) -> tuple[str, ...]:
        """The domains of the set that a domain is of."""
        return next(names for names in self._sets if name in names)

    def needs_reading(self, names: Iterable[str]) -> bool:
        """Whether the labels after a wish depend on those before."""
        replaced = {member for name in names for member in self._group(name)}
        return not replaced.issuperset(other for name in names for other in self.beside(name))

    def given(self, names: Iterable[str], images: Tensor) -> Tensor:
        """The label vectors (N, domains) of pictures (N, C, H, W) that are of these domains."""
        labels = images.new_zeros(images.shape[0], len(self.domains))
        labels[:, self._columns(names)] = 1.0
        return labels

    def changed(self, own: Tensor, names: Sequence[str]) -> Tensor:
        """Label vectors after a wish: a member of a group replaces the others, another domain is toggled.

        The labels of other sets are zero.
        """
        wanted = torch.zeros_like(own)
        here = self._columns(self.beside(names[0]))
        wanted[:, here] = own[:, here]
        for name in names:
            column = self.domains.index(name)
            wanted[:, column] = 1.0 - own[:, column]
            if group := self._group(name):
                wanted[:, self._columns(group)] = 0.0
                wanted[:, column] = 1.0
        return wanted

    def speaks(self, name: str, like: Tensor) -> Tensor | None:
        """The mask (N, sets) of the set that a domain is of; None for one set."""
        if not self.sets:
            return None
        mask = like.new_zeros(like.shape[0], len(self.sets))
        mask[:, self.sets.index(self.beside(name))] = 1.0
        return mask

    @property
    def _sets(self) -> tuple[tuple[str, ...], ...]:
        return self.sets or (self.domains,)

    def _group(self, name: str) -> tuple[str, ...]:
        return next((group for group in self.exclusive if name in group), ())

    def _columns(self, names: Iterable[str]) -> list[int]:
        return [self.domains.index(name) for name in names]
