"""A teacher that knows its own phone times and F0: the voices of flite, through its library.

flite (Black and Lenzo, Carnegie Mellon University) is in Debian as `libflite1`. Its statistical
voices (awb, rms, slt) are clustergen models of 5 ms frames; kal joins recorded diphones.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import zlib
from typing import Any, final

import numpy as np
from attrs import frozen

from voxstack_train.errors import TrainError

VOICES = {"awb": "cmu_us_awb", "kal": "cmu_us_kal16", "rms": "cmu_us_rms", "slt": "cmu_us_slt"}
SAMPLE_RATE = 16_000  # Hz, of all four
FRAME = 0.005  # seconds, of clustergen's tracks
UNVOICED = 30.0  # Hz: a clustergen F0 below it marks the frame as unvoiced


class _Wave(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    )


class _Track(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_char_p),
        ("num_frames", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("times", ctypes.POINTER(ctypes.c_float)),
        ("frames", ctypes.POINTER(ctypes.POINTER(ctypes.c_float))),
    )


@final
@frozen(eq=False)
class Spoken:
    """The teacher's speech, with its phones and F0."""

    audio: np.ndarray  # int16 [samples]
    phones: tuple[str, ...]
    ends: np.ndarray  # [phones], seconds: the end of each phone
    f0_times: np.ndarray  # [points], seconds, ascending
    f0: np.ndarray  # [points], Hz; 0 if the teacher marks it as unvoiced


@final
class Flite:
    """A voice of flite. It is not thread-safe: the library keeps global state."""

    def __init__(self, voice: str) -> None:
        if voice not in VOICES:
            raise TrainError(f"flite has no voice {voice!r}; it has {', '.join(VOICES)}")
        self._flite = _library("flite")
        _library("flite_usenglish")
        _library("flite_cmulex")
        name = VOICES[voice]
        register = getattr(_library(f"flite_{name}"), f"register_{name}")
        register.restype = ctypes.c_void_p
        register.argtypes = (ctypes.c_char_p,)
        self._call("flite_init", ctypes.c_int)
        self._voice = ctypes.c_void_p(register(None))
        self._unwritten = voice == "kal"

    def speak(self, text: str) -> Spoken:
        """Synthesize one sentence, deterministically."""
        ctypes.CDLL(None).srand(zlib.crc32(text.encode()))  # the noise in clustergen's excitation
        utterance = self._pointer("flite_synth_text", text.encode("ascii"), self._voice)
        if not utterance:
            raise TrainError(f"flite cannot say {text!r}")
        try:
            wave = ctypes.cast(self._pointer("utt_wave", utterance), ctypes.POINTER(_Wave))[0]
            audio = np.ctypeslib.as_array(wave.samples, (wave.num_samples,)).copy()
            phones, ends = self._segments(utterance)
            times, f0 = self._targets(utterance) if self._unwritten else self._track(utterance)
            if not self._unwritten:
                ends = self._frame_ends(utterance, ends)
            return Spoken(audio, phones, ends, times, f0)
        finally:
            self._call("delete_utterance", None, utterance)

    def _segments(self, utterance: Any) -> tuple[tuple[str, ...], np.ndarray]:
        phones, ends = [], []
        for item in self._items(utterance, b"Segment"):
            phones.append(self._text("item_feat_string", item, b"name"))
            ends.append(self._call("item_feat_float", ctypes.c_float, item, b"end"))
        return tuple(phones), np.array(ends, np.float64)

    def _frame_ends(self, utterance: Any, ends: np.ndarray) -> np.ndarray:
        """Return the exact ends: clustergen rounds each phone's states to whole frames."""
        counts: list[int] = []
        current = None
        for frame in self._items(utterance, b"mcep"):
            state = self._parent(self._pointer("item_as", frame, b"mcep_link"))
            segment = self._parent(self._pointer("item_as", state, b"segstate")) if state else None
            if (
                counts
                and current
                and segment
                and self._call("item_equal", ctypes.c_int, segment, current)
            ):
                counts[-1] += 1
            else:
                counts.append(1)
            current = segment
        if len(counts) != len(ends):
            raise TrainError(f"flite returned {len(counts)} runs of frames for {len(ends)} phones")
        return np.cumsum(counts) * FRAME

    def _track(self, utterance: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the F0 of the frames that clustergen made the audio from."""
        features = ctypes.cast(utterance, ctypes.POINTER(ctypes.c_void_p))[0]
        for name in (b"smoothed_track", b"param_track"):
            value = self._pointer("feat_val", ctypes.c_void_p(features), name)
            if value:
                break
        else:
            raise TrainError("flite returned no F0 track")
        track = ctypes.cast(self._pointer("val_track", value), ctypes.POINTER(_Track))[0]
        f0 = np.array([track.frames[i][0] for i in range(track.num_frames)], np.float64)
        return np.arange(len(f0)) * FRAME, np.where(f0 > UNVOICED, f0, 0.0)

    def _targets(self, utterance: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return F0 targets, between which the diphone voices interpolate linearly."""
        points = [
            tuple(
                self._call("item_feat_float", ctypes.c_float, item, key) for key in (b"pos", b"f0")
            )
            for item in self._items(utterance, b"Target")
        ]
        points.sort()
        if not points:
            raise TrainError("flite returned no F0 targets")
        times, f0 = np.array(points, np.float64).T
        return times, f0

    def _items(self, utterance: Any, relation: bytes) -> Any:
        item = self._pointer("relation_head", self._pointer("utt_relation", utterance, relation))
        while item:
            yield item
            item = self._pointer("item_next", item)

    def _parent(self, item: Any) -> Any:
        return self._pointer("item_parent", item) if item else None

    def _text(self, name: str, *arguments: Any) -> str:
        value = self._call(name, ctypes.c_char_p, *arguments)
        return value.decode("ascii") if value else ""

    def _pointer(self, name: str, *arguments: Any) -> ctypes.c_void_p | None:
        value = self._call(name, ctypes.c_void_p, *arguments)
        return ctypes.c_void_p(value) if value else None

    def _call(self, name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(self._flite, name)
        function.restype = result
        return function(*arguments)


def _library(name: str) -> ctypes.CDLL:
    found = ctypes.util.find_library(name)
    if found is None:
        raise TrainError(
            f"the library {name!r} is not installed; on Debian, Ubuntu: apt-get install libflite1"
        )
    return ctypes.CDLL(found, mode=ctypes.RTLD_GLOBAL)
