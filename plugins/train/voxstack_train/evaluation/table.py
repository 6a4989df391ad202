"""The table of an evaluation: sets, speakers and systems in rows, measures in columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, final

import numpy as np
from attrs import frozen

from voxstack_train.evaluation.scoring import TEACHER, Score

RESAMPLES = 1000  # of the sentences, for the confidence interval of a difference


@final
@frozen
class Column:
    """One measure."""

    name: str  # in JSON
    head: str  # in a table
    unit: str
    meaning: str
    of: Callable[[Sequence[Score]], float | None]
    digits: int


def _share(count: Callable[[Score], int], of: Callable[[Score], int]) -> Any:
    def percent(scores: Sequence[Score]) -> float | None:
        total = sum(map(of, scores))
        return 100 * sum(map(count, scores)) / total if total else None

    return percent


def _mean(name: str, factor: float = 1.0) -> Any:
    def mean(scores: Sequence[Score]) -> float | None:
        values = [v for v in (getattr(score, name) for score in scores) if v is not None]
        return factor * float(np.mean(values)) if values else None

    return mean


def _words(kind: str) -> Any:
    return _share(lambda score: getattr(score.words, kind), lambda score: score.words.count)


COLUMNS = (
    Column(
        "word_error", "WER", "%", "words misheard by pocketsphinx, the sum of the next four",
        _words("errors"), 1,
    ),
    Column("dropped", "drop", "%", "words not heard", _words("dropped"), 1),
    Column(
        "repeated", "rep", "%", "words next to which, or in whose place, a neighbor is heard",
        _words("repeated"), 1,
    ),
    Column("mumbled", "mum", "%", "words in whose place another is heard", _words("mumbled"), 1),
    Column("added", "add", "%", "words heard in addition to the text", _words("added"), 1),
    Column(
        "cut_short", "cut", "% of sentences", "endless speech that the voice's guard stopped",
        _share(lambda score: score.cut, lambda score: 1), 1,
    ),
    Column(
        "phone_error", "PER", "%", "phones misheard without a dictionary",
        _share(lambda score: score.phone_errors, lambda score: score.phones), 1,
    ),
    Column(
        "mel_error", "mel", "nepers", "mean difference of the log-mel spectra",
        _mean("mel_error"), 3,
    ),
    Column(
        "mel_cepstral_distortion", "MCD", "dB", "distance of 24 mel cepstra to the teacher's",
        _mean("distortion"), 2,
    ),
    Column(
        "f0_error", "F0", "cents", "root mean square where the teacher is voiced too",
        _mean("f0_error"), 0,
    ),
    Column(
        "voicing_error", "V/UV", "%", "frames of speech that are voiced in only one of the two",
        _mean("voicing_error", 100), 1,
    ),
    Column(
        "duration_error", "dur", "ms", "root mean square error of the phones' durations",
        _mean("duration_error"), 1,
    ),
    Column("length", "len", "of the teacher's", "length of the speech", _mean("length"), 3),
    Column(
        "periodicity", "per", "1: a pulse train, 0: noise",
        "correlation of one period with the next, 1 to 6 kHz", _mean("periodicity"), 3,
    ),
    Column(
        "variance_ratio", "var", "of the teacher's",
        "variance over time of the mel bands, below 1 is over-smoothed", _mean("variance"), 3,
    ),
    Column(
        "real_time_factor", "RTF", "s / s", "time of synthesis by length of audio",
        lambda scores: _rate(scores), 4,
    ),
)  # fmt: skip

WORD_ERROR = COLUMNS[0]
TABLES = COLUMNS[:7], COLUMNS[7:]  # by recognition and by signal: a single table is too wide
TO_TEACHER = "to teacher"
KEYS = ("set", "speaker", "system")


def _rate(scores: Sequence[Score]) -> float | None:
    seconds = sum(score.seconds for score in scores)
    return sum(score.work for score in scores) / seconds if seconds else None


Scored = Mapping[tuple[str, str | None], Sequence[Mapping[str, Score]]]  # sentences, by system


def rows(scored: Scored) -> list[dict[str, Any]]:
    """Return a row per set, speaker and system."""
    made = []
    for (set_, speaker), sentences in scored.items():
        for system in dict.fromkeys(name for sentence in sentences for name in sentence):
            scores = [sentence[system] for sentence in sentences]
            row: dict[str, Any] = {"set": set_, "speaker": speaker, "system": system}
            row["sentences"] = len(scores)
            row["words"] = sum(score.words.count for score in scores)
            for column in COLUMNS:
                value = column.of(scores)
                row[column.name] = None if value is None else round(value, column.digits)
            if system != TEACHER and TEACHER in sentences[0]:
                row.update(_above(scores, [sentence[TEACHER] for sentence in sentences]))
            made.append(row)
    return made


def _above(scores: Sequence[Score], teacher: Sequence[Score]) -> dict[str, Any]:
    """Compare the recognizer's results with the teacher's: its own errors cancel out."""
    above: dict[str, Any] = {}
    both = list(zip(scores, teacher, strict=True))
    count = sum(score.words.count for score in scores)
    for kind in ("errors", "dropped", "repeated", "mumbled", "added"):
        more = sum(getattr(s.words, kind) - getattr(t.words, kind) for s, t in both)
        name = "word_error" if kind == "errors" else kind
        above[f"{name}_above_teacher"] = round(100 * more / count, 1)
    errors = np.array([s.words.errors - t.words.errors for s, t in both])
    words = np.array([score.words.count for score in scores])
    above["word_error_above_teacher_95"] = _interval(errors, words)
    return above


def _interval(errors: np.ndarray, words: np.ndarray) -> list[float]:
    """Return the 95 % interval of the difference over resampled sentences (Bisani, Ney 2004)."""
    chosen = np.random.default_rng(0).integers(len(words), size=(RESAMPLES, len(words)))
    points = 100 * errors[chosen].sum(1) / words[chosen].sum(1)
    return [round(float(value), 1) for value in np.percentile(points, (2.5, 97.5))]


def cells(row: Mapping[str, Any], columns: Sequence[Column]) -> list[str]:
    """Return a row as it is displayed."""
    shown = [row[key] or "-" for key in KEYS]
    for column in columns:
        value = row[column.name]
        shown.append("-" if value is None else f"{value:.{column.digits}f}")
        if column is WORD_ERROR:
            shown.append(_to_teacher(row))
    return shown


def heads(columns: Sequence[Column]) -> list[str]:
    """Return the heads of the columns of `cells`."""
    shown = list(KEYS)
    for column in columns:
        shown.append(column.head)
        if column is WORD_ERROR:
            shown.append(TO_TEACHER)
    return shown


def _to_teacher(row: Mapping[str, Any]) -> str:
    if "word_error_above_teacher" not in row:
        return "-"
    low, high = row["word_error_above_teacher_95"]
    return f"{row['word_error_above_teacher']:+.1f} ({low:+.1f} to {high:+.1f})"


def legend(columns: Sequence[Column]) -> list[str]:
    """Return a line per column with its meaning."""
    lines = [f"{column.head}: {column.meaning} ({column.unit})" for column in columns]
    if WORD_ERROR in columns:
        lines.insert(1, f"{TO_TEACHER}: word error above the teacher's (points, 95 % interval)")
    return lines


def markdown(table: Sequence[Mapping[str, Any]], notes: Iterable[str]) -> str:
    """Return the tables for the card of an addon."""
    lines: list[str] = []
    for columns in TABLES:
        head = heads(columns)
        lines += [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
        lines += [f"| {' | '.join(cells(row, columns))} |" for row in table]
        lines += ["", *(f"- {line}" for line in legend(columns)), ""]
    return "\n".join([*lines, *(f"- {note}" for note in notes)]).rstrip()
