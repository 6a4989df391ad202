"""Read alignments, the times of phones and words in a recording, from TextGrid or CTM files."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import final

from attrs import frozen

from voxstack_train.errors import TrainError

PHONES, WORDS = (
    "phones",
    "words",
)  # the tiers of a TextGrid, as named by the Montreal Forced Aligner


@final
@frozen
class Interval:
    """A phone, a word or a silence, as the aligner wrote it."""

    start: float  # seconds
    end: float  # seconds
    label: str
    where: str | None = None  # FILE:LINE, if known


@final
@frozen
class Alignment:
    """The phones and words of an utterance, in the order of time."""

    path: Path  # the file of the phones
    phones: tuple[Interval, ...]
    words: tuple[Interval, ...] | None = None  # None: the source has only phones

    def where(self, interval: Interval) -> str:
        """Return the file and line of a phone or word."""
        if interval.where:
            return interval.where
        line = _line_of(self.path, interval)
        return f"{self.path}:{line}" if line else str(self.path)


class Alignments(ABC):
    """The alignments of a corpus."""

    @abstractmethod
    def of(self, *names: str) -> Alignment:
        """Return the alignment of the utterance, under the first of these names that exists.

        TrainError with the file, and the line if there is one, of what is missing or wrong.
        """


def alignments_at(path: Path) -> Alignments:
    """Open a folder of TextGrids, a phone CTM, or a folder with a `phones.ctm`.

    The words of `phones.ctm` are in `words.ctm`, those of `dev.phone.ctm` in `dev.word.ctm`; the
    word CTM is optional.
    """
    if path.is_dir():
        phones = path / "phones.ctm"
        return Ctm(phones) if phones.is_file() else TextGrids(path)
    if not path.is_file():
        raise TrainError(f"{path}: no such file or folder of alignments")
    return Ctm(path)


@final
class TextGrids(Alignments):
    """A folder with `ID.TextGrid` files, in itself or its subfolders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths: dict[str, list[Path]] = {}
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() == ".textgrid":
                self._paths.setdefault(path.stem, []).append(path)
        if not self._paths:
            raise TrainError(f"{folder}: expected .TextGrid files or phones.ctm; there are none")

    def of(self, *names: str) -> Alignment:
        """Read the TextGrid of an utterance."""
        paths = next((self._paths[name] for name in names if name in self._paths), None)
        if paths is None:
            raise TrainError(f"{self.folder / names[0]}.TextGrid: missing, also in subfolders")
        if len(paths) > 1:
            raise TrainError(f"{paths[0]}: the same utterance is also aligned in {paths[1]}")
        return read_textgrid(paths[0])


def read_textgrid(path: Path) -> Alignment:
    """Read the tiers "phones" and "words" of a TextGrid, long or short."""
    from praatio import textgrid
    from praatio.utilities.errors import PraatioException

    try:
        grid = textgrid.openTextgrid(str(path), True, "silence", duplicateNamesMode="rename")
    except UnicodeError:
        raise TrainError(f"{path}: neither UTF-8 nor UTF-16") from None
    except (
        PraatioException,
        OSError,
        ArithmeticError,
        LookupError,
        ValueError,
        TypeError,
    ) as error:
        raise TrainError(f"{path}: not a TextGrid: {error}") from None
    tiers = {}
    for name in (PHONES, WORDS):
        # For a corpus with speakers, the aligner names the tiers "SPEAKER - phones".
        found = [tier for tier in grid.tierNames if tier.lower().split(" - ")[-1] == name]
        if len(found) != 1 or isinstance(grid.getTier(found[0]), textgrid.PointTier):
            has = ", ".join(repr(tier) for tier in grid.tierNames) or "none"
            raise TrainError(f"{path}: expected one tier of intervals {name!r}, found {has}")
        entries = grid.getTier(found[0]).entries
        tiers[name] = tuple(Interval(e.start, e.end, e.label) for e in entries)
    return Alignment(path, tiers[PHONES], tiers[WORDS])


def _line_of(path: Path, interval: Interval) -> int | None:
    """Find the line of an interval in a TextGrid: its start, its end and its label follow."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        return None
    for number, line in enumerate(lines[2:], 3):
        if line.strip().endswith(f'"{interval.label}"'):
            start = lines[number - 3].split("=")[-1].strip()
            try:
                if float(start) == interval.start:
                    return number
            except ValueError:
                continue
    return None


@final
class Ctm(Alignments):
    """A phone CTM with lines `UTTERANCE CHANNEL START DURATION PHONE`, and a word CTM if any."""

    def __init__(self, path: Path) -> None:
        self._phones = _CtmFile(path)
        words = path.with_name(path.name.replace("phone", "word"))
        self._words = _CtmFile(words) if words != path and words.is_file() else None

    def of(self, *names: str) -> Alignment:
        """Read the lines of an utterance."""
        words = self._words.of(names) if self._words else None
        return Alignment(self._phones.path, self._phones.of(names), words)


@final
class _CtmFile:
    """A CTM file: the position of each utterance's lines, which are read on demand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._runs: dict[bytes, list[tuple[int, int, int]]] = {}  # offset, first line, lines
        offset, last = 0, b""
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                name = line.split(maxsplit=1)[0] if line.strip() else b";;"
                if not name.startswith(b";;"):
                    runs = self._runs.setdefault(name, [])
                    if name == last:
                        at, first, count = runs[-1]
                        runs[-1] = (at, first, count + 1)
                    else:
                        runs.append((offset, number, 1))
                last = name
                offset += len(line)

    def of(self, names: tuple[str, ...]) -> tuple[Interval, ...]:
        for name in names:
            if runs := self._runs.get(name.encode()):
                return tuple(sorted(self._read(runs), key=lambda interval: interval.start))
        raise TrainError(f"{self.path}: no line of {names[0]!r}")

    def _read(self, runs: list[tuple[int, int, int]]) -> Iterator[Interval]:
        with self.path.open("rb") as file:
            for offset, first, count in runs:
                file.seek(offset)
                for number in range(first, first + count):
                    yield self._interval(file.readline(), number)

    def _interval(self, line: bytes, number: int) -> Interval:
        try:
            _, _, start, duration, label = line.decode("utf-8").split()[:5]
            first, length = float(start), float(duration)
        except UnicodeError:
            raise TrainError(f"{self.path}:{number}: not UTF-8") from None
        except ValueError:
            shown = line.decode("utf-8").strip()
            raise TrainError(
                f"{self.path}:{number}: expected UTTERANCE CHANNEL START DURATION LABEL, "
                f"found {shown!r}"
            ) from None
        if not (math.isfinite(first + length) and first >= 0 and length >= 0):
            raise TrainError(f"{self.path}:{number}: not a time: {start} {duration}")
        return Interval(first, first + length, label, f"{self.path}:{number}")
