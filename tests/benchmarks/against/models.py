"""Convert the voice for the peers: one Piper-type graph, or Matcha's acoustic model and vocoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
from voxstack import Host

from against import stages
from against.alphabet import Alphabet
from against.graph import Graph
from against.whole import whole

VOICE, VOCODER, MEL_VOCODER = "en-us", "vocoder-16k", "vocoder-mel-16k"
LANGUAGE = {"language": "English", "voice": "en-us", "has_espeak": 1}
AUDIO = ("float32", (1, 1, "samples"))


class Models:
    """Builds the peers' files from the installed addons.

    For comparisons, ``given`` makes noise an input, not drawn in the graph, and ``noise``
    scales the noise of the mel-only vocoder.
    """

    def __init__(self, host: Host, given: bool = False, noise: float = 1.0) -> None:
        self.given, self.scale = given, noise
        self._addons = {name: host.addon(name) for name in (VOICE, VOCODER, MEL_VOCODER)}
        manifest = self._addons[VOICE].manifest
        self.rate, self.hop = manifest.audio.sample_rate, manifest.audio.hop
        self.speakers = len(manifest.controls["speaker"].values)
        symbols = json.loads(self._addons[VOICE].read("symbols.json"))
        self.alphabet = Alphabet(symbols["phone"], len(symbols["word_position"]))

    def piper(self) -> onnx.ModelProto:
        """Return the graph from text to audio, for Piper and for sherpa-onnx."""
        graph = Graph()
        part = [graph.slice("scales", axis=0, start=n, end=n + 1) for n in range(2)]
        frames = self._frames(graph, "input", part[1], "sid", first=0)
        frames["noise"] = self._noise(graph, frames, part[0])
        audio = graph.include(self._network(VOCODER, "vocoder"), "vocoder", frames)["audio"]
        return self._model(
            graph,
            {
                "input": ("int64", (1, "ids")),
                "input_lengths": ("int64", (1,)),
                "scales": ("float32", (3,)),
                "sid": ("int64", (1,)),
            },
            {"output": (graph.op("Unsqueeze", audio, graph.constant([1])), AUDIO)},
            {"model_type": "vits", "comment": "piper", **LANGUAGE},
        )

    def matcha(self) -> onnx.ModelProto:
        """Return the graph from text to mel."""
        graph = Graph()
        # Five inputs: the graph does not have to read the second and the third.
        frames = self._frames(graph, "x", "length_scale", "sid", first=1)
        return self._model(
            graph,
            {
                "x": ("int64", (1, "ids")),
                "x_length": ("int64", (1,)),
                "noise_scale": ("float32", (1,)),
                "length_scale": ("float32", (1,)),
                "sid": ("int64", (1,)),
            },
            {"mel": (frames["mel"], ("float32", (1, 80, "frames")))},
            {"model_type": "matcha-tts", "pad_id": 0, "use_eos_bos": 0, "version": 1, **LANGUAGE},
        )

    def mel_vocoder(self) -> onnx.ModelProto:
        """Return the graph from mel to audio."""
        graph = Graph()
        mask = stages.ones_like(
            graph, graph.op("ReduceMean", "mel", graph.constant([1]), keepdims=0)
        )
        frames = {"mel": "mel", "mask": mask}
        self._prosody(graph, frames, self._network(MEL_VOCODER, "pitch"))
        frames["noise"] = self._noise(graph, frames, graph.constant([self.scale], "float32"))
        audio = graph.include(self._network(MEL_VOCODER, "vocoder"), "vocoder", frames)["audio"]
        return self._model(
            graph,
            {"mel": ("float32", (1, 80, "frames"))},
            {"audio": (graph.op("Unsqueeze", audio, graph.constant([1])), AUDIO)},
            {"model_type": "hifigan", "version": 1},
        )

    def write(self, folder: Path) -> None:
        """Write the files that the peers read."""
        for name, model in (
            ("piper", self.piper()),
            ("matcha", self.matcha()),
            ("mel_vocoder", self.mel_vocoder()),
        ):
            onnx.save(model, folder / f"{name}.onnx")
        (folder / "tokens.txt").write_text(self.alphabet.tokens(), encoding="utf-8")
        configuration = {
            "audio": {"sample_rate": self.rate},
            "espeak": {"voice": "en-us"},
            "phoneme_type": "text",
            "hop_length": self.hop,
            "num_symbols": len(self.alphabet.characters),
            "num_speakers": self.speakers,
            "speaker_id_map": {str(n): n for n in range(self.speakers)},
            "inference": {"noise_scale": 1.0, "length_scale": 1.0, "noise_w": 0.0},
            "phoneme_id_map": {c: [n] for c, n in self.alphabet.ids.items()},
        }
        (folder / "piper.onnx.json").write_text(json.dumps(configuration), encoding="utf-8")

    def _network(self, addon: str, name: str) -> onnx.ModelProto:
        return whole(onnx.load_from_string(self._addons[addon].networks[name].read("onnx")))

    def _frames(
        self, graph: Graph, ids: str, length_scale: str, sid: str, first: int
    ) -> dict[str, str]:
        """Add everything up to the mel spectrum; return its inputs and itself."""
        read = {**stages.features(graph, self.alphabet, ids, first), "speaker": sid}
        text = graph.include(self._network(VOICE, "text_encoder"), "text", read)
        frames = stages.upsampled(graph, text["encodings"], text["durations"], length_scale)
        self._prosody(graph, frames, self._network(VOICE, "prosody"))
        frames.update(graph.include(self._network(VOICE, "decoder"), "decoder", frames))
        return frames

    def _prosody(self, graph: Graph, frames: dict[str, str], network: onnx.ModelProto) -> None:
        """Add F0, voicing and phase to ``frames``."""
        made = graph.include(network, "prosody", frames)
        frames["f0"] = made["f0"]
        frames["voiced"] = stages.voiced(graph, made["voicing"])
        frames["phase"] = stages.phase(graph, frames["f0"], self.hop, self.rate)

    def _noise(self, graph: Graph, frames: dict[str, str], scale: str) -> str:
        if self.given:
            return "noise"
        return stages.noise(graph, frames["mask"], self.hop, scale)

    def _model(
        self,
        graph: Graph,
        inputs: dict[str, Any],
        outputs: dict[str, Any],
        metadata: dict[str, Any],
    ) -> onnx.ModelProto:
        if any("noise" in node.input for node in graph.nodes):
            inputs = {**inputs, "noise": ("float32", (1, self.hop, "frames"))}
        for name, (tensor, _) in outputs.items():
            graph.name(tensor, name)
        audio = {"sample_rate": self.rate, "n_speakers": self.speakers}
        return graph.model(inputs, {n: kind for n, (_, kind) in outputs.items()}, metadata | audio)
