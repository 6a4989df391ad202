"""Compare the audio of all systems: maximal absolute differences, full scale 1.

The peers' graph draws new noise, so comparisons pass it in: that of the voice's seed 0 for the
graph against ``synthesize()``, none for the peers against the graph.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from voxstack import AudioFormat, Chunk, Host, Tensors, Voice
from voxstack_standard.noise import Noise

from against.jobs import Job
from against.models import VOICE, Models
from against.processes import Running, System
from against.systems.voxstack_system import LONG, MEL_ONLY

GRIDS = ("/stack/0/streamable_block/stack/1", "/stack/1/stack/0")  # the blocks Prosody
ONE_CALL = 1 << 30


def one_call(edits: dict[str, Any]) -> dict[str, Any]:
    """Return edits that compute prosody in one call, as the peers' graph does.

    F0 changes by 1e-7 with the lengths of the calls to a runtime, and the waveform by more.
    """
    made = {**edits, f"{GRIDS[0]}/grid": [ONE_CALL]}
    if "/stack/1" in edits:
        made[f"{GRIDS[1]}/grid"] = [ONE_CALL]
    return made


class Graphs:
    """The peers' graphs, run here, with given noise."""

    def __init__(self, models: Models) -> None:
        self.alphabet, self.hop = models.alphabet, models.hop
        self._piper, self._matcha, self._vocoder = map(
            _session, (models.piper(), models.matcha(), models.mel_vocoder())
        )

    def piper(self, spelled: str, noise: np.ndarray, speaker: int = 0) -> np.ndarray:
        ids = self.alphabet.piper_ids(spelled)
        inputs = {
            "input": np.array([ids]),
            "input_lengths": np.array([len(ids)]),
            "scales": np.array([1, 1, 0], dtype=np.float32),
            "sid": np.array([speaker]),
        }
        return _ran(self._piper, {**inputs, "noise": noise})[0, 0]

    def matcha(self, spelled: str, noise: np.ndarray, speaker: int = 0) -> np.ndarray:
        ids = self.alphabet.matcha_ids(spelled)
        one = np.ones(1, dtype=np.float32)
        inputs = {
            "x": np.array([ids]),
            "x_length": np.array([len(ids)]),
            "sid": np.array([speaker]),
        }
        mel = _ran(self._matcha, {**inputs, "noise_scale": one, "length_scale": one})
        return _ran(self._vocoder, {"mel": mel, "noise": noise})[0, 0]


def ours(host: Host, graphs: Graphs, cases: Iterable[Job]) -> dict[str, float]:
    """Compare the graphs with the voice's ``synthesize()``."""
    found: dict[str, float] = {}
    cases = list(cases)
    for name, edits, graph in (
        ("graph, voxstack", LONG, graphs.piper),
        ("graph, voxstack mel", {**LONG, **MEL_ONLY}, graphs.matcha),
    ):
        for what, chosen in ((name, edits), (f"{name}, prosody in one call", one_call(edits))):
            voice = host.voice(VOICE, edits=chosen)
            differences = [_from_graph(voice, graph, job, n) for n, job in enumerate(cases)]
            found[what] = max(differences)
    return found


def peer(system: System, graphs: Graphs, folder: Path, cases: Iterable[Job]) -> float:
    """Compare a peer with the graph that it runs, both without noise."""
    graph = graphs.matcha if system.settings.get("mel") else graphs.piper
    file = folder / "audio.f32"
    worst = 0.0
    with Running(system, folder, noise_scale=0.0) as running:
        for job in cases:
            running.ask(do="audio", job=job, file=str(file))
            theirs = np.fromfile(file, dtype=np.float32)
            noise = np.zeros((1, graphs.hop, len(theirs) // graphs.hop), dtype=np.float32)
            worst = max(worst, _difference(theirs, graph(job["spelled"][0], noise)))
    return worst


def _from_graph(voice: Voice, graph: Any, job: Job, speaker: int) -> float:
    names = voice.controls["speaker"].values
    assert names is not None
    speaker %= len(names)
    audio = voice.synthesize(job["text"], speaker=names[speaker])
    noise = noise_of(voice, len(audio.samples) // voice.addon.manifest.audio.hop)
    return _difference(audio.samples, graph(job["spelled"][0], noise, speaker))


def noise_of(voice: Voice, frames: int) -> np.ndarray:
    """Return the noise of a voice's first sentence with seed 0."""
    given = voice.addon.manifest.audio
    block = Noise(distribution="uniform", audio=AudioFormat(given.sample_rate, given.hop))
    chunk = Chunk({"frames": np.zeros((1, frames), dtype=np.float32)}, 0, last=True)
    sequence = Tensors({"seed": np.array([0]), "sentence": np.array([0])})
    return np.asarray(next(block.stream(sequence, iter([chunk])))["noise"])


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    if a.shape != b.shape:
        raise ValueError(f"audio of {len(a)} samples against audio of {len(b)}")
    return float(np.abs(a - b).max())


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _ran(session: onnxruntime.InferenceSession, inputs: dict[str, np.ndarray]) -> np.ndarray:
    read = {i.name for i in session.get_inputs()}
    return session.run(None, {name: array for name, array in inputs.items() if name in read})[0]
