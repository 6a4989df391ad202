"""What the core's tests share: fake distributions, numpy networks, a tiny voice.

Nothing here needs ONNX: the file of a network is a Python expression that gives a function of
numpy arrays, and the executor ``Numpy`` evaluates it.
"""

import hashlib
import importlib
import itertools
import json
import os
import sys
import types

import numpy as np
import pytest
from attrs import frozen
from stubs import FunctionProgram, Numpy, NumpyFormat
from voxstack import (
    Chunk,
    Component,
    Frontend,
    Host,
    InputError,
    Mark,
    Network,
    Program,
    Schedule,
    Sentence,
    StreamableBlock,
    TensorSpec,
    hookimpl,
    network,
    run_network,
)
from voxstack.hookspecs import KINDS
from voxstack.networks import Context
from voxstack.plugins import Registry, scan

_numbers = itertools.count()

OWN_ENTRY_POINTS = {
    "voxstack.encoders": {"Encoders": "voxstack.containers:Encoders"},
    "voxstack.blocks": {
        "StreamableStack": "voxstack.containers:StreamableStack",
        "StreamablePipeline": "voxstack.containers:StreamablePipeline",
    },
}


# Distributions ----------------------------------------------------------------------------------


class Site:
    """A folder of fake installed distributions, on sys.path."""

    def __init__(self, folder):
        self.folder = folder

    def install(self, name, version="1.0", entry_points=None, metadata=None, **modules):
        """Write a dist-info folder, and modules given as name=source."""
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        if isinstance(entry_points, dict):
            entry_points = "\n".join(
                f"[{group}]\n" + "\n".join(f"{n} = {target}" for n, target in names.items())
                for group, names in entry_points.items()
            )
        if isinstance(entry_points, bytes):
            (info / "entry_points.txt").write_bytes(entry_points)
        elif entry_points is not None:
            (info / "entry_points.txt").write_text(entry_points, "utf-8")
        if metadata is not None:
            (info / "METADATA").write_text(metadata, "utf-8")
        for module, source in modules.items():
            (self.folder / f"{module}.py").write_text(source, "utf-8")
        importlib.invalidate_caches()
        return info

    def registry(self, **options):
        return Registry(packages=scan([str(self.folder)]), **options)


@pytest.fixture(autouse=True)
def no_default_voice(monkeypatch):
    """The core's tests bring their own voices and no user's file."""
    monkeypatch.delenv("VOXSTACK_VOICE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", os.devnull)


@pytest.fixture
def site(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield Site(folder)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def own_site(site):
    """A site that holds the core's own components and nothing else."""
    site.install("voxstack", "0.1.0", OWN_ENTRY_POINTS)
    return site


@pytest.fixture
def offer(monkeypatch):
    """Make a plugin with hooks that announces local classes: offer(effects=[Gain], ...)."""

    def make(**kinds):
        module = types.ModuleType(f"offered_{next(_numbers)}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        hooks = {}
        for kind, classes in kinds.items():
            for cls in classes:
                setattr(module, cls.__name__, cls)
            components = [
                Component(
                    c.name if kind == "formats" else c.__name__, f"{module.__name__}:{c.__name__}"
                )
                for c in classes
            ]
            hooks[KINDS[kind].hook] = _hook(KINDS[kind].hook, components)
        return type("Offer", (), hooks)()

    return make


def _hook(name, components):
    def hook(self):
        return components

    hook.__name__ = name
    return hookimpl(hook)


# Networks ---------------------------------------------------------------------------------------


def _specs(tensors):
    made = {}
    for name, spec in tensors.items():
        dtype, shape = spec if isinstance(spec, tuple) else ("float64", spec)
        made[name] = TensorSpec(dtype, tuple(shape))
    return made


@pytest.fixture
def program():
    """Make a program of a function: program(f, inputs={"x": ["batch", "frames"]}, ...)."""

    def make(function, inputs, outputs, name="net", role="decoder", **facts):
        described = Network(
            name,
            role,
            _specs(inputs),
            _specs(outputs),
            {"numpy": f"{name}.txt"},
            read=lambda format_: b"",
            digest=lambda format_: name,
            **facts,
        )
        return FunctionProgram(described, function)

    return make


AUDIO = ["batch", "frames"]


@pytest.fixture
def convolution(program):
    """Make the same convolution in its two forms, and its output on a whole signal."""

    def make(kernel, left, form, ratio=1, name="conv", x="x", y="y"):
        kernel = np.asarray(kernel, dtype=np.float64)
        right = len(kernel) - 1 - left

        def upsampled(out):
            return np.repeat(out, ratio)[None] * ratio + np.tile(np.arange(ratio), len(out))

        def whole(signal):
            if not len(signal):
                return np.zeros((1, 0))
            padded = np.concatenate([np.zeros(left), signal, np.zeros(right)])
            windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel))
            return upsampled(windows @ kernel)

        def windowed(**inputs):
            return {y: whole(inputs[x][0])}

        def stepped(**inputs):
            joined = np.concatenate([inputs["past"], inputs[x]], axis=-1)[0]
            windows = np.lib.stride_tricks.sliding_window_view(joined, len(kernel))
            return {y: upsampled(windows @ kernel), "past_next": joined[None, 1 - len(kernel) :]}

        if form == "windowed":
            made = program(
                windowed,
                {x: AUDIO},
                {y: AUDIO},
                name=name,
                context=Context(left, right),
                frame_ratio=ratio,
            )
        else:
            past = ["batch", len(kernel) - 1]
            made = program(
                stepped,
                {x: AUDIO, "past": past},
                {y: AUDIO, "past_next": past},
                name=name,
                state={"past": "past_next"},
                delay=right,
                frame_ratio=ratio,
            )
        return made, whole

    return make


@pytest.fixture
def chunked():
    """Cut tensors into chunks of the given sizes: chunked(sizes, x=array, marks=())."""

    def cut(sizes, marks=(), last_empty=False, **tensors):
        total = next(iter(tensors.values())).shape[-1]
        ends, start = [], 0
        for size in sizes:
            if start >= total:
                break
            start = min(total, start + size)
            ends.append(start)
        if not ends or ends[-1] < total:
            ends.append(total)
        start = 0
        for end in ends:
            part = {name: tensor[..., start:end] for name, tensor in tensors.items()}
            begun = tuple(m for m in marks if start <= m.start < end)
            yield Chunk(part, start, end == total and not last_empty, begun)
            start = end
        if last_empty:
            yield Chunk({n: t[..., total:] for n, t in tensors.items()}, total, True)

    return cut


# Addons -----------------------------------------------------------------------------------------


def file_entry(data):
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


MANIFEST = {
    "format": 1,
    "name": "tiny",
    "version": "1.0.0",
    "language": "en-US",
    "license": "CC0-1.0",
    "audio": {"sample_rate": 1000, "hop": 4},
    "frontend": {"type": "Plain"},
    "sample": "Hi.",
    "controls": {
        "speaker": {"values": ["ann", "bob"]},
        "rate": {"min": 0.5, "max": 2.0, "default": 1.0},
    },
    "networks": {
        "encoder": {
            "role": "encoder",
            "files": {"numpy": "networks/encoder.txt"},
            "inputs": {
                "ids": {"dtype": "int64", "shape": ["batch", "text"]},
                "speaker": {"dtype": "int64", "shape": ["batch"]},
            },
            "outputs": {
                "encodings": {"dtype": "float64", "shape": ["batch", "text"]},
                "durations": {"dtype": "int64", "shape": ["batch", "text"]},
            },
        },
        "decoder": {
            "role": "decoder",
            "files": {"numpy": "networks/decoder.txt"},
            "inputs": {"encodings": {"dtype": "float64", "shape": ["batch", "frames"]}},
            "outputs": {"mel": {"dtype": "float64", "shape": ["batch", "frames"]}},
            "context": {"left": 2, "right": 3},
        },
        "vocoder": {
            "role": "vocoder",
            "files": {"numpy": "networks/vocoder.txt"},
            "inputs": {"mel": {"dtype": "float64", "shape": ["batch", "frames"]}},
            "outputs": {"audio": {"dtype": "float64", "shape": ["batch", "samples"]}},
            "context": {"left": 1, "right": 2},
            "frame_ratio": 4,
        },
    },
    "stack": [
        {
            "type": "StreamablePipeline",
            "sequence_block": {"type": "Encoders"},
            "streamable_block": {
                "type": "StreamableStack",
                "stack": [{"type": "Spread"}, {"type": "Decode"}],
            },
        },
        {"type": "Vocode"},
    ],
    "files": {},
}

# Three frames a symbol; sums over 2+1+3 frames; four samples a frame.
NETWORKS = {
    "networks/encoder.txt": b"""lambda ids, speaker: {
        "encodings": (ids + speaker) * 1.0, "durations": np.full(ids.shape, 3)}""",
    "networks/decoder.txt": b"""lambda encodings: {
        "mel": np.convolve(encodings[0], [1, 2, 3, 4, 5, 6])[None, 3 : 3 + encodings.shape[1]]}""",
    "networks/vocoder.txt": b"""lambda mel: {
        "audio": np.repeat(np.convolve(mel[0], [1, 1, 1, 1])[2 : 2 + mel.shape[1]], 4)[None]
        * 2.0**-16}""",
}


@pytest.fixture
def manifest():
    """A valid manifest to change, with its files' entries."""
    copy = json.loads(json.dumps(MANIFEST))
    copy["files"] = {path: file_entry(data) for path, data in NETWORKS.items()}
    return copy


@pytest.fixture
def write_addon(manifest):
    """Write an addon into a folder; ``change`` edits the manifest in place."""

    def write(folder, change=lambda manifest: None, files=NETWORKS):
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        copy = json.loads(json.dumps(manifest))
        copy["files"] = {path: file_entry(data) for path, data in files.items()}
        change(copy)
        (folder / "addon.json").write_text(json.dumps(copy, indent=1), "utf-8")
        return folder

    return write


# A tiny voice -----------------------------------------------------------------------------------


@frozen
class Plain(Frontend):
    """A character is a symbol; a sentence ends with its full stop; a mark a word."""

    produces = ("ids",)

    def sentences(self, text):
        rest, spoken = "", False
        for piece in text:
            rest += piece
            while "." in rest:
                sentence, _, rest = rest.partition(".")
                spoken = True
                yield self.sentence(sentence.strip() + ".")
        if rest.strip():
            yield self.sentence(rest.strip())
        elif not spoken:
            raise InputError("there is nothing to speak")

    def sentence(self, text):
        marks, start = [], 0
        for word in text.split(" "):
            marks.append(Mark("word", word, start))
            start += len(word) + 1
        ids = np.array([[ord(c) for c in text]], dtype=np.int64)
        return Sentence(text, {"ids": ids}, tuple(marks))


@frozen
class Spread(StreamableBlock):
    """Repeats encodings by durations."""

    consumes = ("encodings", "durations")
    produces = ("encodings",)

    schedule: Schedule = Schedule()

    def stream(self, sequence, upstream):
        durations = np.asarray(sequence["durations"])[0]
        frames = np.repeat(np.asarray(sequence["encodings"]), durations, axis=-1)
        begins = np.cumsum(durations) - durations
        marks = [mark.moved(int(begins[mark.start])) for mark in sequence.marks]
        start, total = 0, frames.shape[-1]
        for size in self.schedule:
            end = min(total, start + size)
            begun = tuple(mark for mark in marks if start <= mark.start < end)
            yield Chunk({"encodings": frames[..., start:end]}, start, end == total, begun)
            if end == total:
                return
            start = end


@frozen
class Decode(StreamableBlock):
    """Runs the decoder."""

    network: Program = network(role="decoder")
    schedule: Schedule = Schedule()

    @property
    def consumes(self):
        return self.network.network.consumes

    @property
    def produces(self):
        return self.network.network.produces

    def stream(self, sequence, upstream):
        return run_network(self.network, sequence, upstream, self.schedule)


@frozen
class Vocode(StreamableBlock):
    """Runs the vocoder."""

    ends_sentence = True

    network: Program = network(role="vocoder")
    schedule: Schedule = Schedule()

    @property
    def consumes(self):
        return self.network.network.consumes

    @property
    def produces(self):
        return self.network.network.produces

    def stream(self, sequence, upstream):
        return run_network(self.network, sequence, upstream, self.schedule)


@pytest.fixture
def tiny_parts():
    """The classes of the tiny voice by their kind."""
    return {
        "frontends": [Plain],
        "upsamplers": [Spread],
        "decoders": [Decode],
        "vocoders": [Vocode],
        "executors": [Numpy],
        "formats": [NumpyFormat],
    }


@pytest.fixture
def tiny_host(offer, tiny_parts, write_addon, tmp_path, monkeypatch):
    """Open hosts, each with its own tiny voice: tiny_host(change=..., effects=[...])."""
    hosts = []

    def make(change=lambda manifest: None, plugins=(), files=NETWORKS, options=None, **kinds):
        package = f"tiny_voice_{next(_numbers)}"
        site = Site(tmp_path / f"site of {package}")
        write_addon(site.folder / package, change, files)
        site.install("voxstack", "0.1.0", OWN_ENTRY_POINTS)
        site.install("tiny-voice", "1.0", {"voxstack.addons": {"tiny": package}})
        monkeypatch.syspath_prepend(str(site.folder))
        parts = {**tiny_parts, **kinds}
        host = Host(
            plugins=[offer(**parts), *plugins], packages=scan([str(site.folder)]), **(options or {})
        )
        hosts.append(host)
        return host

    yield make
    for host in hosts:
        host.close()


@pytest.fixture
def tiny_voice(tiny_host):
    return tiny_host().voice("tiny")


# Suites of voxstack_kit.testing -----------------------------------------------------------------


@pytest.fixture
def outcomes(tmp_path, monkeypatch):
    """Run a suite by a pytest of its own: outcomes(suite) -> {check: (outcome, message, step)}."""
    from voxstack_kit.testing.running import Results, run_suites

    def run(suite, only=""):
        module = types.ModuleType(f"suite_{next(_numbers)}")
        module.TestIt = suite
        monkeypatch.setitem(sys.modules, module.__name__, module)
        for name in ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
            monkeypatch.setenv(name, "")
        folder = tmp_path / module.__name__
        folder.mkdir()
        run_suites(f"from {module.__name__} import TestIt", Results(folder), only)
        lines = (folder / "results").read_text("utf-8").splitlines()
        results = [json.loads(line) for line in lines]
        return {
            r["check"]: (r["outcome"], r["message"], r["next_step"])
            for r in results
            if r["outcome"] != "begun"
        }

    return run


@pytest.fixture
def failures(outcomes):
    """Run a suite and give what fails: failures(suite) -> {check: (message, next step)}."""

    def run(suite, only=""):
        found = outcomes(suite, only)
        return {check: told for check, (what, *told) in found.items() if what == "failed"}

    return run
