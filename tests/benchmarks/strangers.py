"""Measure the vocoders on voices that neither was trained on, next to Griffin-Lim.

    apt-get install espeak-ng libflite1
    python tests/benchmarks/strangers.py --sentences 20 [--json] [--plot strangers.png]

`kal` of flite was held out of the vocoders' training; espeak-ng is a different kind of system. Each
says the held-out sentences; its audio becomes a mel spectrum, which each vocoder and Griffin-Lim
turn into audio again. Measured: word error of a recognizer (pocketsphinx), the distance of the mel
spectrum from the given one (nats, mean), periodicity at 1 to 6 kHz. `vocoder-16k` is given F0 from
a tracker, `vocoder-mel-16k` only the spectrum.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from voxstack import Host
from voxstack_train.corpus.flite import Flite
from voxstack_train.evaluation import recognizer
from voxstack_train.evaluation.copying import copier
from voxstack_train.evaluation.filtering import resampled
from voxstack_train.evaluation.griffin_lim import griffin_lim
from voxstack_train.evaluation.periodicity import periodicity
from voxstack_train.evaluation.sets import sentences
from voxstack_train.evaluation.tracking import tracked
from voxstack_train.evaluation.words import compared, words_of
from voxstack_train.features.spectrum import HOP, SAMPLE_RATE, log_mel

MEL_ONLY = {
    "type": "StreamableStack",
    "stack": [
        {"type": "Prosody", "network": "vocoder-mel-16k:pitch"},
        {"type": "Phase"},
        {"type": "Vocoder", "network": "vocoder-mel-16k:vocoder"},
    ],
}


def espeak(text: str, voice: str) -> np.ndarray:
    """Return the speech of espeak-ng, float32 at SAMPLE_RATE."""
    import io

    import soundfile

    done = subprocess.run(
        ["espeak-ng", "-v", voice, "--stdout", text], capture_output=True, check=True
    )
    audio, rate = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    return resampled(audio, rate, SAMPLE_RATE).astype(np.float32)


def heard(text: str, mel: np.ndarray, audio: np.ndarray, f0: np.ndarray) -> tuple[int, ...]:
    """Return word errors, words, mel distance and periodicity of one take."""
    found = compared(words_of(text), recognizer.heard_words(audio))
    wrong = found.dropped + found.repeated + found.mumbled + found.added
    away = float(np.abs(log_mel(audio)[:, : mel.shape[1]] - mel).mean())
    return wrong, len(words_of(text)), away, periodicity(audio, f0).tolist()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sentences", type=int, default=20)
    parser.add_argument("--set", default="easy", choices=("easy", "hard"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    if shutil.which("espeak-ng") is None:
        sys.exit("espeak-ng is not installed: apt-get install espeak-ng")
    texts = sentences(arguments.set, arguments.sentences)
    kal = Flite("kal")
    speakers = {
        "kal": lambda text: kal.speak(text).audio.astype(np.float32) / 32768,
        "espeak-ng en-us": lambda text: espeak(text, "en-us"),
        "espeak-ng en-us+f3": lambda text: espeak(text, "en-us+f3"),
    }
    jobs, shown = [], {}
    with Host() as host:
        given, alone = (
            copier(host.voice("en-us", edits=edits), {}) for edits in ({}, {"/stack/1": MEL_ONLY})
        )
        for speaker, say in speakers.items():
            for text in texts:
                audio = say(text)
                audio = np.pad(audio, (0, -len(audio) % HOP))
                mel = log_mel(audio)
                f0 = tracked(audio)[: mel.shape[1]]
                voiced = f0 > 0
                known = np.flatnonzero(voiced)
                filled = np.interp(np.arange(len(f0)), known, f0[known]) if len(known) else f0 + 150
                takes = {
                    "original": audio,
                    "vocoder-16k": given(mel, filled, voiced),
                    "vocoder-mel-16k": alone(mel, filled, voiced),
                    "Griffin-Lim": griffin_lim(mel),
                }
                shown.setdefault(speaker, takes)
                jobs += [(speaker, name, text, mel, take, f0) for name, take in takes.items()]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found = list(pool.map(heard, *zip(*(job[2:] for job in jobs), strict=True)))
    rows = []
    for speaker, name in dict.fromkeys(job[:2] for job in jobs):
        mine = [f for job, f in zip(jobs, found, strict=True) if job[:2] == (speaker, name)]
        wrong, words, away, harmonic = zip(*mine, strict=True)
        rows.append(
            {
                "speaker": speaker,
                "system": name,
                "word_error_percent": round(100 * sum(wrong) / sum(words), 1),
                "mel_error_nats": round(float(np.mean(away)), 3),
                "periodicity": round(float(np.mean(list(chain.from_iterable(harmonic)))), 3),
            }
        )
    if arguments.plot:
        from voxstack_train.evaluation.pictures import spectrograms

        pictures = {f"{s}: {n}": a for s, takes in shown.items() for n, a in takes.items()}
        spectrograms(arguments.plot, texts[0], pictures)
    if arguments.json:
        print(json.dumps({"sentences": len(texts), "set": arguments.set, "rows": rows}, indent=2))
        return
    for row in rows:
        print("{:20} {:16} {:6} % {:7} nats {:7}".format(*row.values()))


if __name__ == "__main__":
    main()
