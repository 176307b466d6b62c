"""Reads all data before a run trains on it, and says what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from i2i.core.data import Listed, Source
from i2i.core.words import counted
from i2i.data.findings import Finding, finding, refused, worst_first
from i2i.data.found_values import asked, beyond, summary
from i2i.data.looking import Seen, look_at
from i2i.data.stored import form

FAST = 500
"""So many samples of each part are read in a hurry."""
DRAWN = 8
"""So many samples are read where pictures are drawn on the spot."""
UNEVEN = 10
"""Warned of where there is so many times as much of one kind as of another."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Inspection:
    """What reading the data showed.

    Attributes:
        findings: the worst first.
        read: of each part, how many samples were read and how many it has.
        values: of each part with pictures of other types than 8 bits, which values they hold, in words.
    """

    findings: tuple[Finding, ...]
    read: Mapping[str, tuple[int, int]]
    values: Mapping[str, str]

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(finding.level == "error" for finding in self.findings)


def inspect(
    splits: Mapping[str, Mapping[str, Source]],
    *,
    compared: Sequence[tuple[str, str]] = (),
    known: Sequence[str] = (),
    fast: bool = False,
    progress: Progress = lambda done, whole: None,
) -> Inspection:
    """Read the parts of each split.

    Args:
        splits: the parts of each.
        compared: pairs of splits that may not share a picture.
        known: sentences about what is wrong with the data; those that reading repeats are left out.
        fast: read an even sample.
        progress: is told how many samples are read, and how many will be.
    """
    parts = {
        _title(split, part): source for split, sources in splits.items() for part, source in sources.items()
    }
    chosen = {title: _chosen(source, fast) for title, source in parts.items()}
    clock = _Counter(sum(map(len, chosen.values())), progress)
    seen = {title: look_at(source, chosen[title], clock.tick) for title, source in parts.items()}
    said = {each.refusal for looks in seen.values() for each in looks}
    found = [*refused([sentence for sentence in known if sentence not in said])]
    for title, source in parts.items():
        found += _of_part(title, seen[title])
        if any(sentence.startswith("data.value_range") for sentence in known):
            found += asked(title, seen[title])
        if _is_stored(source):
            found += _repeated(title, seen[title])
    found += beyond([(source.facts, seen[title]) for title, source in parts.items()])
    for pair in compared:
        one, other = ([e for part in splits[split] for e in seen[_title(split, part)]] for split in pair)
        found += _shared(pair, one, other)
    read = {title: (len(chosen[title]), len(source)) for title, source in parts.items()}
    values = {title: words for title, looks in seen.items() if (words := summary(looks))}
    return Inspection(worst_first(found), read, values)


def parts_of(source: Source) -> Mapping[str, Source]:
    """What to read of a source: its parts, or the source itself where it cannot list them."""
    return (source.parts() if isinstance(source, Listed) else {}) or {"": source}


def unevenness(source: Source, remedy: str) -> Iterator[Finding]:
    """Kinds of pictures of which there are far fewer than of others, and attributes that nearly all or none have."""
    if not isinstance(source, Listed):
        return
    counts, facts = source.counts(), source.facts
    groups = facts.exclusive if facts.domains else (tuple(counts),)
    for group in groups:
        yield from _uneven({name: counts[name] for name in group if name in counts}, remedy)
    if not facts.sets:
        alone = counts.keys() - {name for group in groups for name in group}
        yield from _rare({name: counts[name] for name in counts if name in alone}, len(source), remedy)


@dataclass
class _Counter:
    whole: int
    progress: Progress
    done: int = 0

    def tick(self) -> None:
        self.done += 1
        self.progress(self.done, self.whole)


def _title(split: str, part: str) -> str:
    return f"{split} {part}".strip()


def _chosen(source: Source, fast: bool) -> Sequence[int]:
    drawn = isinstance(source, Listed) and not _is_stored(source)
    most = DRAWN if drawn else FAST if fast else len(source)
    return [i * len(source) // most for i in range(most)] if most < len(source) else range(len(source))


def _is_stored(source: Source) -> bool:
    """Whether each sample is known to be a picture of its own; of others, parts may be drawn at random."""
    return isinstance(source, Listed) and bool(source.parts())


def _of_part(title: str, seen: Sequence[Seen]) -> Iterator[Finding]:
    bad = [each for each in seen if each.refusal]
    yield from refused([each.refusal for each in bad], [each.name for each in bad], title)
    yield from _mixed(title, seen)
    if flat := [each.name for each in seen if each.flat]:
        yield finding("warning", f"{title}: one colour everywhere", flat, "remove what shows nothing")


def _mixed(title: str, seen: Sequence[Seen]) -> Iterator[Finding]:
    """Pictures of one field that are not all stored alike."""
    for field in dict.fromkeys(name for each in seen for name in each.forms):
        forms = Counter(each.forms[field] for each in seen if field in each.forms)
        (usual, many), *others = forms.most_common()
        if others:
            odd = [each.name for each in seen if each.forms.get(field, usual) != usual]
            rest = ", ".join(f"{count:,} {form(*odd_form)}" for odd_form, count in others)
            what = f"{title}: {field} is stored in several ways: {many:,} {form(*usual)}, {rest}"
            yield finding("error", what, odd, "convert the files to one depth and colour")


def _repeated(title: str, seen: Sequence[Seen]) -> Iterator[Finding]:
    """Pictures that are there more than once."""
    first: dict[tuple[str, bytes], str] = {}
    again = []
    for each in seen:
        for field, content in each.contents.items():
            known = first.setdefault((field, content), each.name)
            if known != each.name:
                again.append(f"{each.name} = {known}")
    if again:
        yield finding("warning", f"{title}: the same picture again", again, "keep one of each")


def _shared(splits: tuple[str, str], ours: Sequence[Seen], theirs: Sequence[Seen]) -> Iterator[Finding]:
    """Pictures that two splits share."""
    known = {content: each.name for each in ours for content in each.contents.values()}
    both = {
        each.name: known[content] for each in theirs for content in each.contents.values() if content in known
    }
    if both:
        names = [f"{one} = {other}" for one, other in both.items()]
        remedy = "keep each in one of the two: results on pictures that were trained on say nothing"
        yield finding("error", f"{splits[0]} and {splits[1]} share pictures", names, remedy)


def _uneven(counts: Mapping[str, int], remedy: str) -> Iterator[Finding]:
    names = sorted(counts, key=lambda name: counts[name])
    if len(names) > 1 and counts[names[-1]] >= UNEVEN * max(counts[names[0]], 1):
        few, many = names[0], names[-1]
        what = f"'{few}' has {counted(counts[few], 'picture')}, '{many}' has {counts[many]:,}"
        yield Finding("warning", what, (), counts[few], f"add pictures of '{few}'{remedy}")


def _rare(counts: Mapping[str, int], whole: int, remedy: str) -> Iterator[Finding]:
    for name, count in counts.items():
        few, verb = min((count, "with"), (whole - count, "without"))
        if whole >= (UNEVEN + 1) * max(few, 1):
            what = f"{counted(few, 'picture')} of {whole:,} {verb} '{name}'"
            yield Finding("warning", what, (), few, f"add more such pictures{remedy}")
