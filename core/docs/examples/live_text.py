"""Speak text while it arrives: python live_text.py [FILE.wav].

The words come one by one, as from a language model. A sentence is spoken as soon as its end is
certain, so the first audio is there long before the last word.
"""

# ruff: noqa: T201 - it prints what happens when

from __future__ import annotations

import sys
import time
import wave
from collections.abc import Iterator

from voxstack import Host

TEXT = (
    "The first sentence is spoken while the second one is still being written. "
    "Nobody waits for the end of the text. "
    "A pause of the writer is only a pause of the speaker."
)


def arriving(text: str, began: float, pause_s: float = 0.05) -> Iterator[str]:
    """Yield the words of ``text`` one by one, as they are written."""
    for word in text.split():
        yield f"{word} "
        time.sleep(pause_s)
    report(began, "the last word has arrived")


def report(began: float, event: str) -> None:
    """Print when something happened."""
    print(f"{time.monotonic() - began:.2f} s: {event}")


def main(path: str) -> None:
    """Write the speech to ``path``, chunk by chunk."""
    with Host() as host, wave.open(path, "wb") as file:
        voice = host.voice("en-us")
        voice.warm_up()
        file.setparams((1, 2, voice.sample_rate, 0, "NONE", ""))
        began = time.monotonic()
        with voice.stream(arriving(TEXT, began)) as chunks:
            for number, chunk in enumerate(chunks):
                if number == 0:
                    report(began, "first audio")
                samples = (chunk["audio"][0].clip(-1, 1) * 32767).astype("<i2")
                file.writeframes(samples.tobytes())
        report(began, f"{path} holds {chunks.report.audio_s:.2f} s of audio")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "live.wav")
