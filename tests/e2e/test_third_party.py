"""Real wheels of strangers' packages, installed by pip into a fresh environment."""

import hashlib
import json
import os
import re
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

FOX = "The quick brown fox jumps over the lazy dog."
SWAP = ("--set", "/stack/0/sequence_block/type=AcmeEncoders")
FIRST_PARTY = (
    ".",
    *(
        f"plugins/{p}"
        for p in ("standard", "english", "onnx", "onnxruntime", "vocoder-16k", "voice-en-us", "kit")
    ),
)
STRANGERS = tuple(f"tests/e2e/packages/acme-{p}" for p in ("encoders", "effects", "broken"))
BLUEPRINT = """{"stack": [
  {"type": "StreamablePipeline",
   "sequence_block": {"type": "Encoders"},
   "streamable_block": {"type": "StreamableStack", "stack": [{"type": "Upsampler"}, {"type": "Decoder"}]}},
  {"type": "Vocoder"}
]}"""  # noqa: E501 - as it is written there
GAIN = '''
@frozen
class Gain(StreamableBlock):
    """Scale the audio by a constant."""

    db: float = 0.0  # decibels

    def stream(self, sequence, upstream):
        factor = 10 ** (self.db / 20)
        for chunk in upstream:
            yield chunk.replace(audio=chunk["audio"] * factor)
'''


# The environment --------------------------------------------------------------------------------


def build_wheel(project, target):
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", target, project]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr


class Environment:
    """A virtual environment with the wheels in it."""

    def __init__(self, folder):
        scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python, self.script = scripts / "python", scripts / "voxstack"
        self.env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}

    def run(self, *command, cwd):
        return subprocess.run(
            [str(c) for c in command], cwd=cwd, env=self.env, capture_output=True, timeout=300
        )


@pytest.fixture(scope="session")
def environment(root, tmp_path_factory):
    """Build wheels of all that is ours and all that is theirs, and install them with pip."""
    folder = tmp_path_factory.mktemp("fresh")
    with ThreadPoolExecutor(2) as pool:
        made = pool.submit(venv.create, folder / "venv", with_pip=True)
        projects = [root / place for place in (*FIRST_PARTY, *STRANGERS)]
        list(pool.map(lambda project: build_wheel(project, folder / "wheels"), projects))
        made.result()
    wheels = sorted((folder / "wheels").glob("*.whl"))
    assert len(wheels) == len(projects)
    environment = Environment(folder / "venv")
    pip = (environment.python, "-m", "pip", "--disable-pip-version-check", "install", "-q")
    installed = environment.run(*pip, *wheels, cwd=folder)
    assert installed.returncode == 0, installed.stderr.decode()
    return environment


@pytest.fixture
def voxstack(environment, tmp_path):
    """The console script of the fresh environment."""

    def run(*arguments, code=0):
        done = environment.run(environment.script, *arguments, cwd=tmp_path)
        assert done.returncode == code, done.stderr.decode()
        assert b"Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def spoken(voxstack):
    def speak(*options, text=FOX):
        return np.frombuffer(voxstack("say", text, "-o", "-", *options).stdout, "<i2")

    return speak


# What strangers bring ---------------------------------------------------------------------------


def test_the_environment_has_neither_torch_nor_what_the_tests_need(environment, tmp_path):
    listed = environment.run(environment.python, "-m", "pip", "list", cwd=tmp_path).stdout.decode()
    names = set(re.findall(r"(?m)^(\S+) ", listed))
    assert names >= {"voxstack", "acme-encoders", "acme-effects", "acme-broken", "onnxruntime"}
    assert names & {"torch", "onnx", "hatchling"} == set()


def test_one_changed_word_runs_other_encoders_and_gives_the_same_audio(spoken):
    assert np.array_equal(spoken(*SWAP), spoken())


def test_the_swapped_block_is_a_strangers(voxstack):
    why = voxstack("stack", "why", "en-us", "/stack/0/sequence_block", *SWAP, "--json").stdout
    answer = json.loads(why)
    assert (answer["distribution"], answer["version"]) == ("acme-encoders", "1.2.0")
    assert "acme_encoders.py:" in answer["source"]


def test_the_gain_of_the_blueprint_is_what_is_installed(root):
    source = root / "tests/e2e/packages/acme-effects/acme_effects.py"
    assert GAIN.strip() in source.read_text()


def test_a_block_is_named_with_its_distribution(spoken):
    soft = spoken("--set", '/stack/-={"type":"Gain@acme-effects","db":-6}')
    assert np.abs(soft - spoken() * 10 ** (-6 / 20)).max() <= 1


def test_a_strangers_gain_is_ours(spoken):
    ours, theirs = (
        spoken("--set", f'/stack/-={{"type":"Gain@{name}","db":-6}}')
        for name in ("voxstack-standard", "acme-effects")
    )
    assert np.array_equal(ours, theirs)


def test_a_name_that_two_bring_is_refused_with_both_names(voxstack, tmp_path):
    said = voxstack("say", FOX, "-o", "a.wav", "--set", '/stack/-={"type":"Gain"}', code=2)
    for words in ("/stack/2/type", "'Gain@acme-effects'", "'Gain@voxstack-standard'"):
        assert words in said.stderr.decode()
    assert not list(tmp_path.iterdir())


def test_blocking_one_of_two_makes_the_name_plain(spoken):
    soft = spoken("--set", '/stack/-={"type":"Gain","db":-6}', "--block", "acme-effects")
    assert np.abs(soft - spoken() * 10 ** (-6 / 20)).max() <= 1


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("BreaksOnImport", 2, ("/stack/2/type", "acme-broken 0.0.1", "the licence server is away")),
        ("BreaksWhenBuilt", 2, ("/stack/2", "no sound card")),
        ("BreaksInTheMiddle", 1, ("/stack/2", "the wax melted")),
    ],
)
def test_what_breaks_is_named_and_leaves_no_file(voxstack, tmp_path, name, code, says):
    edit = f'/stack/-={{"type":"{name}"}}'
    said = voxstack("say", FOX, "-o", "a.wav", "--set", edit, code=code)
    for words in (name, *says):
        assert words in said.stderr.decode()
    assert not list(tmp_path.iterdir())


HOST_GOES_ON = """
import json, voxstack
with voxstack.Host() as host:
    errors = []
    plain = host.voice("en-us").synthesize("Yes.").samples
    for name in ("BreaksOnImport", "BreaksWhenBuilt", "BreaksInTheMiddle"):
        try:
            list(host.voice("en-us", edits={"/stack/-": {"type": name}}).stream("Yes, we can."))
        except voxstack.VoxstackError as error:
            errors.append(str(error))
    rows = {r.name: r.listing() for r in host.registry.registrations}
    again = host.voice("en-us").synthesize("Yes.").samples
print(json.dumps([errors, rows["BreaksOnImport"], bool((plain == again).all())]))
"""


def test_the_host_lists_what_broke_with_the_reason_and_goes_on(environment, tmp_path):
    done = environment.run(environment.python, "-c", HOST_GOES_ON, cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    errors, row, same = json.loads(done.stdout)
    assert len(errors) == 3
    assert (row["status"], row["distribution"]) == ("broken", "acme-broken")
    assert "the licence server is away" in row["reason"]
    assert same


def test_listing_imports_no_strangers_code(voxstack):
    rows = {r["name"]: r for r in json.loads(voxstack("plugins", "--json").stdout)}
    assert rows["BreaksOnImport"]["status"] == "ok"  # nobody has named it
    assert rows["AcmeEncoders"]["version"] == "1.2.0"
    assert rows["Gain"]["status"] == "ambiguous"


# Pipelines in pipelines -------------------------------------------------------------------------


@pytest.fixture
def flat(environment, tmp_path):
    """The stack of the default voice."""
    script = (
        "import json, voxstack\n"
        "print(json.dumps(voxstack.Host().document('en-us')[0].value['stack']))"
    )
    return json.loads(environment.run(environment.python, "-c", script, cwd=tmp_path).stdout)


def pipeline(*blocks, encoders="Encoders"):
    return {
        "type": "StreamablePipeline",
        "sequence_block": {"type": encoders},
        "streamable_block": {"type": "StreamableStack", "stack": list(blocks)},
    }


def row(*blocks):
    return {"type": "StreamableStack", "stack": list(blocks)}


@pytest.mark.parametrize("shape", ["inside", "around", "twice", "stacks"])
def test_a_nested_pipeline_is_its_flat_twin(voxstack, tmp_path, flat, shape):
    first, *rest = flat[0]["streamable_block"]["stack"]
    *_, vocoder = flat
    nested = {
        "inside": [pipeline(pipeline(first, rest[0]), *rest[1:]), vocoder],
        "around": [pipeline(pipeline(first, *rest), vocoder)],
        "twice": [
            pipeline(pipeline(pipeline(first), *rest, encoders="AcmeEncoders")),
            vocoder,
        ],
        "stacks": [row(pipeline(row(first, row(*rest[:2])), row(row(*rest[2:])))), row(vocoder)],
    }[shape]
    assert nested != flat

    def speak(name, *options):
        voxstack("say", FOX, "-o", f"{name}.wav", "--stats", f"{name}.json", *options)
        stats = json.loads((tmp_path / f"{name}.json").read_text())
        return (tmp_path / f"{name}.wav").read_bytes(), stats

    audio, stats = speak("nested", "--set", f"/stack={json.dumps(nested)}")
    plain, plain_stats = speak("flat")
    assert audio == plain
    assert stats["chunks"] == plain_stats["chunks"] > 3  # it still streams
    assert stats["networks"]["vocoder"]["calls"] == plain_stats["networks"]["vocoder"]["calls"]


# The stack of the blueprint ---------------------------------------------------------------------

HOP, RATE = 100, 8000
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def weights():
    random = np.random.default_rng(0)
    shapes = {"table": (26, 8), "decoder": (4, 8, 3), "vocoder": (HOP, 4, 1)}
    return {n: random.standard_normal(s).astype(np.float32) / 2 for n, s in shapes.items()}


def model(nodes, inputs, outputs, **constants):
    """Make an ONNX model; a tensor is given as (name, type, dimensions)."""
    import onnx
    from onnx import helper, numpy_helper

    kinds = {"int64": onnx.TensorProto.INT64, "float32": onnx.TensorProto.FLOAT}
    infos = [
        [helper.make_tensor_value_info(n, kinds[k], d) for n, k, d in tensors]
        for tensors in (inputs, outputs)
    ]
    values = [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()]
    graph = helper.make_graph(nodes, "tiny", *infos, values)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made.SerializeToString()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, weights) -> Path:
    """An addon whose networks suit the blueprint's stack; it spells with a stranger's frontend."""
    from onnx.helper import make_node

    text, frames = ["batch", "text"], ["batch", "frames"]
    ids = ("ids", "int64", text)
    encodings = ("encodings", "float32", ["batch", 8, "text"])
    durations = ("durations", "float32", text)
    framed = ("encodings", "float32", ["batch", 8, "frames"])
    mel = ("mel", "float32", ["batch", 4, frames[-1]])
    audio = ("audio", "float32", ["batch", "samples"])
    parts = {
        "text_encoder": ("encoder", {}, [ids], [encodings]),
        "durations": ("encoder", {}, [encodings], [durations]),
        "decoder": ("decoder", {"context": {"left": 1, "right": 1}}, [framed], [mel]),
        "vocoder": ("vocoder", {"frame_ratio": HOP}, [mel], [audio]),
    }
    nodes = {
        "text_encoder": [
            make_node("Gather", ["table", "ids"], ["looked_up"]),
            make_node("Transpose", ["looked_up"], ["encodings"], perm=[0, 2, 1]),
        ],
        "durations": [
            make_node("Abs", ["encodings"], ["sizes"]),
            make_node("ReduceMean", ["sizes"], ["mean"], axes=[1], keepdims=0),
            make_node("Mul", ["mean", "ten"], ["durations"]),
        ],
        "decoder": [make_node("Conv", ["encodings", "w"], ["mel"], pads=[1, 1])],
        "vocoder": [
            make_node("Conv", ["mel", "w"], ["columns"]),
            make_node("Transpose", ["columns"], ["rows"], perm=[0, 2, 1]),
            make_node("Reshape", ["rows", "shape"], ["line"]),
            make_node("Tanh", ["line"], ["audio"]),
        ],
    }
    constants = {
        "text_encoder": {"table": weights["table"]},
        "durations": {"ten": np.float32(10)},
        "decoder": {"w": weights["decoder"]},
        "vocoder": {"w": weights["vocoder"], "shape": np.array([0, -1])},
    }
    letters = {"letter": {letter: i for i, letter in enumerate(ALPHABET)}}
    data = {"symbols.json": json.dumps(letters).encode()}
    networks = {}
    for name, (role, more, inputs, outputs) in parts.items():
        data[f"{name}.onnx"] = model(nodes[name], inputs, outputs, **constants[name])
        spec = {
            kind: {n: {"dtype": dtype, "shape": shape} for n, dtype, shape in tensors}
            for kind, tensors in (("inputs", inputs), ("outputs", outputs))
        }
        networks[name] = {"role": role, "files": {"onnx": f"{name}.onnx"}, **spec, **more}
    manifest = {
        "format": 1,
        "name": "tiny",
        "version": "1.0.0",
        "language": "en",
        "license": "CC0-1.0",
        "audio": {"sample_rate": RATE, "hop": HOP},
        "frontend": {"type": "Letters"},
        "symbols": "symbols.json",
        "networks": networks,
        **json.loads(BLUEPRINT),
        "files": {
            n: {"sha256": hashlib.sha256(d).hexdigest(), "bytes": len(d)} for n, d in data.items()
        },
    }
    folder = tmp_path_factory.mktemp("addons") / "tiny"
    folder.mkdir()
    for name, content in data.items():
        (folder / name).write_bytes(content)
    (folder / "addon.json").write_text(json.dumps(manifest, indent=2))
    return folder


def expected(text, weights):
    """Compute what the tiny voice says, in numpy."""
    encodings = weights["table"][[ALPHABET.index(letter) for letter in text]].T
    durations = np.maximum(np.rint(np.abs(encodings).mean(0) * np.float32(10)), 1).astype(int)
    padded = np.pad(np.repeat(encodings, durations, axis=1), ((0, 0), (1, 1)))
    total = durations.sum()
    mel = sum(weights["decoder"][:, :, k] @ padded[:, k : k + total] for k in range(3))
    return np.tanh((weights["vocoder"][:, :, 0] @ mel).T.reshape(-1))


def test_the_stack_of_the_blueprint_builds_as_written_and_speaks(spoken, tiny, weights):
    samples = spoken("--voice", tiny, text="voxstack") / 32767
    wanted = expected("voxstack", weights)
    assert len(samples) == len(wanted) > 20 * HOP
    assert np.abs(samples - wanted).max() < 1e-4


def test_it_streams_exactly_and_has_no_problem(voxstack, tiny):
    checked = json.loads(voxstack("stack", "check", tiny / "addon.json", "--json").stdout)
    assert checked == {"problems": []}
    voxstack("addon", "check", tiny, "--text", "the quick brown fox\njumps")


def test_encoders_that_wait_for_each_other_are_swapped_by_one_word(spoken, tiny):
    plain = spoken("--voice", tiny, text="jumps over")
    assert np.array_equal(spoken("--voice", tiny, *SWAP, text="jumps over"), plain)


def test_a_network_is_shared_by_its_addons_name(spoken, tiny):
    edit = f'/stack/1={{"type": "Vocoder", "network": "{tiny.as_posix()}:vocoder"}}'
    plain = spoken("--voice", tiny, text="fox")
    assert np.array_equal(spoken("--voice", tiny, "--set", edit, text="fox"), plain)
