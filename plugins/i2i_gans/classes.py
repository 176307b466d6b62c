"""What the classes of the pictures are called."""

from __future__ import annotations

from dataclasses import dataclass

import i2i


@dataclass(frozen=True)
class Classes:
    """The classes of the data, in the order of their numbers.

    Attributes:
        names: what they are called; their numbers where the data names none.
    """

    names: tuple[str, ...]

    @classmethod
    def of(cls, data: i2i.DataFacts) -> Classes:
        """The classes of data with the field `label`."""
        return cls(data.classes or tuple(map(str, range(data.labels["label"]))))

    def __len__(self) -> int:
        return len(self.names)

    def number(self, label: str | int) -> int:
        """The number of a class that is asked for by its name or its number; a name goes before a number.

        Raises:
            ValueError: "label: sentence", there is no such class.
        """
        if str(label) in self.names:
            return self.names.index(str(label))
        if isinstance(label, str):
            raise ValueError(f"label: there is no class '{label}'; {i2i.nearest(label, self.names)}")
        if not 0 <= label < len(self):
            raise ValueError(f"label: there is no class {label}; their numbers go from 0 to {len(self) - 1}")
        return label
