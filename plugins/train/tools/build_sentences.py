"""Write the sentences for training and tests, from WordNet's examples and from patterns.

    apt-get install wordnet-base
    python tools/build_sentences.py --wordnet /usr/share/wordnet --out voxstack_train/data

Examples are cleaned and chosen by coverage: repeatedly the one whose pairs of phones are the
rarest so far. Patterns add what dictionaries have too little of: questions, numbers, lists, single
letters, repetitions, long sentences. Held out, word for word, are the sentences of easy.txt,
hard.txt and nasty.txt (these files must exist and are not written here).
"""

from __future__ import annotations

import argparse
import heapq
import random
import re
from collections import Counter
from pathlib import Path

from voxstack_train.corpus.sentences import pairs_of, phones_of, plain

CLEAN = re.compile(r"[A-Za-z][A-Za-z' ,-]*[A-Za-z][.?!]?")
QUESTION = re.compile(
    r"(do|does|did|is|are|was|were|can|could|will|would|shall|should|have|has|had|may|must) (i|you"
    r"|he|she|it|we|they|there|this|that|the)\b",
    re.IGNORECASE,
)
SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
SMALL += " fifteen sixteen seventeen eighteen nineteen"
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
MONTHS = "January February March April May June July August September October November December"
THINGS = "apples letters houses people dollars days miles books seats windows pages tickets"
PLACES = "kitchen garden office station village harbor library market school bridge"
NAMES = "Anna Peter Mary George Susan Henry Laura David Helen Frank Alice Robert"


def examples(folder: Path) -> list[str]:
    """Return WordNet's example sentences, cleaned, without duplicates."""
    found: set[str] = set()
    for path in sorted(folder.glob("data.*")):
        for line in path.read_text("latin-1").splitlines():
            if line.startswith("  ") or "|" not in line:
                continue
            for quoted in re.findall(r'"([^"]+)"', line.split("|", 1)[1]):
                text = quoted.strip()
                if CLEAN.fullmatch(text) and 4 <= len(text.split()) <= 18 and not _shouted(text):
                    found.add(_sentence(text))
    return sorted(found)


def _shouted(text: str) -> bool:
    return any(len(word) > 1 and word.isupper() for word in text.split())


def _sentence(text: str) -> str:
    end = text[-1] if text[-1] in ".?!" else "?" if QUESTION.match(text) else "."
    text = text.rstrip(".?!")
    return text[0].upper() + text[1:] + end


def choose(candidates: list[str], count: int) -> list[str]:
    """Choose greedily for uniform pairs of phones (lazily: a gain only decreases)."""
    seen: Counter[tuple[str, str]] = Counter()
    pairs = {text: pairs_of(phones_of(text)) for text in candidates}

    def gain(text: str) -> float:
        return -sum(1 / (1 + seen[pair]) for pair in pairs[text]) / len(pairs[text]) ** 0.5

    queue = [(gain(text), text) for text in candidates]
    heapq.heapify(queue)
    chosen: list[str] = []
    while queue and len(chosen) < count:
        _, text = heapq.heappop(queue)
        now = gain(text)
        if queue and now > queue[0][0] + 1e-12:
            heapq.heappush(queue, (now, text))
            continue
        chosen.append(text)
        seen.update(pairs[text])
    return chosen


def patterns(rng: random.Random, sources: list[str]) -> list[str]:
    """Return sentences of kinds that dictionaries lack."""

    def number() -> str:
        below = rng.choice(SMALL.split())
        tens = rng.choice(TENS.split()) + rng.choice([""] + [" " + w for w in SMALL.split()[1:10]])
        hundreds = rng.choice(SMALL.split()[1:10]) + " hundred " + rng.choice([tens, below])
        return rng.choice([below, tens, tens, hundreds, rng.choice([tens, below]) + " thousand"])

    def pick(words: str) -> str:
        return rng.choice(words.split())

    def letters(count: int) -> str:
        return ", ".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(count))

    def lower(text: str) -> str:
        return text[0].lower() + text[1:] if not re.match(r"I\b", text) else text

    def bare(text: str) -> str:
        return lower(text.rstrip(".?!"))

    made: list[str] = []
    for _ in range(170):
        made += [
            f"There were {number()} {pick(THINGS)} in the {pick(PLACES)}.",
            f"{pick(NAMES)} was born on {pick(MONTHS)} the {pick('first second third tenth')}.",
            f"How many {pick(THINGS)} did {pick(NAMES)} see in the {pick(PLACES)}?",
            f"Did {pick(NAMES)} go to the {pick(PLACES)} with {pick(NAMES)}?",
            f"The number is {number()}, {number()}, {number()}.",
            f"Is it {number()} or {number()}?",
            f"{pick(NAMES)}, {pick(NAMES)}, {pick(NAMES)} and {pick(NAMES)} met at the"
            f" {pick(PLACES)}.",
            f"It costs {number()} dollars and {pick(TENS)} cents.",
        ]
    for _ in range(90):
        word = rng.choice(rng.choice(sources).rstrip(".?!").split()).strip(",").lower()
        other = rng.choice(rng.choice(sources).rstrip(".?!").split()).strip(",").lower()
        made += [
            f"The letters are {letters(rng.randint(3, 6))}.",
            f"{word.capitalize()}, {word}, {word}.",
            f"{word.capitalize()} {word} {other} {other}.",
            f"{word.capitalize()}.",
            f"{word.capitalize()} {other}?",
        ]
    for _ in range(260):
        first, second, third = rng.sample(sources, 3)
        made.append(f"{first.rstrip('.?!')}, and {bare(second)}.")
        made.append(f"{first.rstrip('.?!')}, {bare(second)}, but {bare(third)}.")
    return made


def main() -> None:
    """Write sentences.txt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wordnet", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=7200)
    arguments = parser.parse_args()
    held = {
        plain(line)
        for name in ("easy", "hard", "nasty")
        for line in (arguments.out / f"{name}.txt").read_text("ascii").splitlines()
    }
    candidates = [text for text in examples(arguments.wordnet) if plain(text) not in held]
    chosen = choose(candidates, arguments.count)
    made = patterns(random.Random(0), chosen)
    lines = [t for t in dict.fromkeys([*chosen, *made]) if plain(t) not in held]
    random.Random(1).shuffle(lines)
    out = arguments.out / "sentences.txt"
    out.write_text("\n".join(lines) + "\n", "ascii", newline="\n")
    print(f"{len(lines)} sentences to {out.name}")


if __name__ == "__main__":
    main()
