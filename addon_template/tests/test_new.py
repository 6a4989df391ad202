"""What `voxstack addon new` creates, prints and refuses."""

import compileall
import json
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

if find_spec("voxstack_template") is None or find_spec("copier") is None:
    pytest.skip("needs pip install ./addon_template", allow_module_level=True)
from voxstack import AddonError, Host
from voxstack.cli import main

from voxstack_template import rendering

pytestmark = pytest.mark.slow


@pytest.fixture
def new(tmp_path, monkeypatch, capsys):
    """Run the command in an empty folder; return (stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*words, code=0):
        with pytest.raises(SystemExit) as ended:
            main(["addon", "new", *words])
        out, err = capsys.readouterr()
        assert ended.value.code == code, err
        return out, err

    return run


def test_without_a_terminal_it_takes_the_defaults(new, tmp_path):
    out, err = new("acme-gain")
    assert err == ""
    assert out.splitlines()[0] == "acme-gain: a package with the component AcmeGain, 8 files. Now:"
    project = tomllib.loads((tmp_path / "acme-gain/pyproject.toml").read_text())["project"]
    assert project["entry-points"] == {"voxstack.effects": {"AcmeGain": "acme_gain:AcmeGain"}}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["acme-gain"]


def test_answers_are_quoted_wherever_they_are_used(new, tmp_path):
    answers = {
        "author": 'Zoë "Z" O\'Neill \\ {{ 1 + 1 }} 🎤',
        "email": "zoe@example.org",
        "description": 'Says "\\n" & <more>, {% raw %}.',
        "license": "MIT",
    }
    new("acme-gain", *(w for n, a in answers.items() for w in ("--data", f"{n}={a}")))
    project = tomllib.loads((tmp_path / "acme-gain/pyproject.toml").read_text("utf-8"))["project"]
    assert project["authors"] == [{"name": answers["author"], "email": answers["email"]}]
    assert (project["description"], project["license"]) == (answers["description"], "MIT")
    text = (tmp_path / "acme-gain/LICENSE").read_text("utf-8")
    assert re.search(r"MIT License\n\nCopyright \(c\) 20\d\d ", text) and answers["author"] in text


@pytest.mark.parametrize("license_", ["Apache-2.0", "MIT", "BSD-3-Clause"])
@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["--kind", "executor"], 8),
        (["--kind", "voice"], 16),
        (["--data", "group=effects"], 8),
        (["--data", "group=encoders"], 8),
    ],
)
def test_no_trace_of_the_template_or_the_machine_is_left(new, tmp_path, license_, words, count):
    new("acme-thing", "--data", f"license={license_}", *words)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == count
    for path in files:
        if path.suffix == ".onnx":
            continue
        text = path.read_text("utf-8").replace("${{ matrix.python }}", "")
        assert not re.search(r"\{\{|\{%|\n\n\n\n", text), path
        assert str(tmp_path) not in text
        assert text == "" or (text.endswith("\n") and not text.endswith("\n\n")), path


def test_compiled_files_of_the_template_are_not_copied(new, tmp_path, monkeypatch):
    template = shutil.copytree(rendering.TEMPLATE, tmp_path / "template")
    assert compileall.compile_dir(template, quiet=1) and [*template.rglob("*.pyc")]
    monkeypatch.setattr(rendering, "TEMPLATE", template)
    new("acme-robot", "--kind", "voice")
    assert not [*(tmp_path / "acme-robot").rglob("*__pycache__*")]


@pytest.mark.parametrize(
    ("words", "provided", "offered"),
    [
        (["noise"], "already provides the block 'Noise'", "acme-noise"),
        (["en-us", "--kind", "voice"], "already provides the addon 'en-us'", "acme-en-us"),
    ],
)
def test_a_taken_name_is_refused_with_a_suggestion(new, tmp_path, words, provided, offered):
    _, err = new(*words, code=2)
    assert provided in err and f"voxstack addon new {offered}, or use --clash" in err
    assert list(tmp_path.iterdir()) == []
    new(*words[1:], offered)  # the suggestion is valid


def test_a_taken_name_is_used_with_its_distribution(new, tmp_path):
    out, err = new("gain", "--clash")
    assert "voxstack-standard" in err and "'Gain@gain'" in err
    assert '"type":"Gain@gain"' in out
    assert '"type":"Gain@gain"' in (tmp_path / "gain/README.md").read_text()


def test_a_taken_name_of_a_voice_is_used_with_its_distribution(new, tmp_path):
    out, err = new("en-us", "--kind", "voice", "--clash")
    assert "voxstack-voice-en-us" in err and "'en-us@en-us'" in err
    assert "--voice en-us@en-us" in out
    assert 'VOICE = "en-us@en-us"' in (tmp_path / "en-us/tests/test_en_us.py").read_text()


def test_a_voice_lists_its_files_with_their_hashes(new, tmp_path):
    new("acme-robot", "--kind", "voice", "--data", 'author=Zoë "Z"', "--data", "license=MIT")
    folder = tmp_path / "acme-robot/src/acme_robot"
    with Host() as host:
        assert host.check(folder) == []
        manifest = host.addon(str(folder)).manifest
    assert (manifest.name, manifest.author, manifest.license) == ("acme-robot", 'Zoë "Z"', "MIT")
    there = {str(p.relative_to(folder).as_posix()) for p in folder.rglob("*") if p.is_file()}
    assert {*manifest.files} == there - {"addon.json", "__init__.py"}


def test_packing_a_voice_again_makes_the_same_addon(new, tmp_path):
    for module in ("torch", "voxstack_pack"):
        pytest.importorskip(module)
    new("acme-robot", "--kind", "voice")
    folder = tmp_path / "acme-robot/src/acme_robot"
    rendered = {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "addon",
                "pack",
                "acme-robot/voice.toml",
                "-o",
                str(folder),
                "--executor",
                "OnnxRuntime",
            ]
        )
    assert ended.value.code == 0
    assert {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == rendered


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ([], "say Hello. --voice b --set"),
        (["--data", "group=encoders"], "say Hello. --voice c --set"),  # it makes durations
        (["--kind", "executor"], "say Hello. --voice b --executor"),
        (["--kind", "voice"], "say Hello. --voice acme-q -o"),
    ],
)
def test_the_printed_command_names_a_voice_if_one_must_be_chosen(new, monkeypatch, words, printed):
    def addon(self, name):
        if name == "a":
            raise AddonError("broken")
        network = SimpleNamespace(outputs={"durations" if name == "c" else "mel": None})
        return SimpleNamespace(networks={"text_encoder": network})

    monkeypatch.delenv("VOXSTACK_VOICE", raising=False)
    monkeypatch.setattr(Host, "voices", lambda self: ["a", "b", "c"])
    monkeypatch.setattr(Host, "addon", addon)
    assert printed in new("acme-q", *words)[0]


def test_the_printed_command_does_not_name_a_voice_that_is_already_chosen(new, monkeypatch):
    monkeypatch.setenv("VOXSTACK_VOICE", "en-us")
    assert "--voice" not in new("acme-q")[0]
    monkeypatch.delenv("VOXSTACK_VOICE")
    monkeypatch.setattr(Host, "voices", lambda self: ["en-us"])
    assert "--voice" not in new("acme-r")[0]


def test_missing_parent_folders_are_created(new, tmp_path):
    out, _ = new("acme-gain", "-o", "a/b/gain")
    assert "pip install './a/b/gain[test]'" in out
    assert (tmp_path / "a/b/gain/pyproject.toml").is_file()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a"]


def test_an_empty_folder_is_filled(new, tmp_path):
    (tmp_path / "there").mkdir()
    out, _ = new("acme-gain", "-o", "there")
    assert "pip install './there[test]'" in out
    assert (tmp_path / "there/pyproject.toml").is_file()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["class"], "voxstack addon new acme-class"),
        (["--", "-"], "has no letter from a to z"),
        (["q", "-o", "full"], "the folder full is not empty"),
        (["q", "-o", "file"], "file exists and is not a folder"),
        (["q", "-o", "file/no/q"], "file exists and is not a folder"),
        (["q", "-o", "no/q", "--data", "license=GPL"], "Apache-2.0, MIT or BSD-3-Clause"),
        (["q", "-o", "."], "the current folder"),
        (["q", "-o", ""], "the current folder"),
        (["q", "--kind", "voices"], "is not one of"),
        (["q", "--kind", "executor", "--data", "kind=component"], "differ; pass one of them"),
        (["q", "--data", "license"], "expected QUESTION=ANSWER"),
        (["q", "--data", "licence=MIT"], "did you mean 'license'?"),
        (["q", "--data", "license=GPL"], "license=GPL: expected Apache-2.0, MIT or BSD-3-Clause"),
        (["q", "--data", "group=decoders"], "expected effects or encoders (did you mean 'encod"),
        (["q", "--data", "email=nobody"], "--data email=nobody: expected an address like"),
        (["q", "--data", "author="], "--data author=: expected one line of text"),
        (["q", "--data", "author=a\nb"], "expected one line of text"),
        (["q", "--data", "description= "], "one line of text"),
        (["q", "--data", "fixed_shapes=maybe", "--kind", "executor"], "expected true or false"),
        (
            ["q", "--data", "group=effects", "--kind", "executor"],
            "not a question of the kind executor",
        ),
    ],
)
def test_a_wrong_command_line_is_refused_and_nothing_is_written(new, tmp_path, words, says):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").touch()
    (tmp_path / "file").touch()
    _, err = new(*words, code=2)
    assert says in err and "Traceback" not in err
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "full", "mine"]


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt, 130), (OSError(28, "no space"), 2)]
)
def test_interrupted_rendering_leaves_nothing(new, tmp_path, monkeypatch, error, code):
    import copier

    real = copier.run_copy

    def breaks(*args, **kwargs):
        real(*args, **kwargs)
        raise error

    monkeypatch.setattr("copier.run_copy", breaks)
    new("acme-gain", code=code)
    assert list(tmp_path.iterdir()) == []


KINDS = (
    ("--kind", "component", "--data", "group=effects"),
    ("--kind", "component", "--data", "group=encoders"),
    ("--kind", "executor"),
    ("--kind", "executor", "--data", "fixed_shapes=true"),
    ("--kind", "voice"),
)


@pytest.mark.skipif(find_spec("ruff") is None, reason="needs ruff")
@pytest.mark.parametrize("kind", KINDS)
def test_names_of_any_length_keep_the_code_formatted(new, tmp_path, kind):
    for length in (1, 2, 20, 30, 37, 40):
        new("q" * length, *kind)
    new("q" * 38 + "-q", *kind)
    for words in (("check",), ("format", "--check")):
        ruff = [sys.executable, "-m", "ruff", *words, "--no-cache", "."]
        done = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_the_readme_does_not_depend_on_the_packages_folder(new, tmp_path, kind):
    new("acme-thing", *kind, "-o", "packages/other")
    package = tmp_path / "packages/other"
    for text in ((package / "README.md").read_text(), *map(Path.read_text, package.glob("*.toml"))):
        assert not re.search(r"\./acme-thing|acme-thing/|pytest acme|voxstack-pack", text)
        assert not re.search(r"(?<!\.)\./voxstack", text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_requires_the_kit_for_its_tests_and_the_format_that_it_runs(new, tmp_path, kind):
    new("acme-thing", *kind)
    project = tomllib.loads((tmp_path / "acme-thing/pyproject.toml").read_text())["project"]
    assert "voxstack-kit>=0.1,<1" in project["optional-dependencies"]["test"]
    assert ("voxstack-onnx>=0.1" in project["dependencies"]) == ("executor" in kind)
    (test,) = (tmp_path / "acme-thing/tests").glob("test_*.py")
    assert "from voxstack_kit.testing import" in test.read_text()


def test_a_description_without_a_period_becomes_a_sentence(new, tmp_path):
    for name, description in (("acme-a", "He said"), ("acme-b", "He said?")):
        new(name, "--data", f"description={description}")
    assert "He said. It provides" in (tmp_path / "acme-a/README.md").read_text()
    assert "He said? It provides" in (tmp_path / "acme-b/README.md").read_text()


@pytest.mark.parametrize("sdk", ["no_such_sdk", "no_such_sdk.runtime"])
def test_a_missing_sdk_is_reported_whatever_its_name(new, tmp_path, monkeypatch, sdk):
    new("acme-npu", "--kind", "executor")
    names = runpy.run_path(str(tmp_path / "acme-npu/src/acme_npu/__init__.py"))
    monkeypatch.setattr(names["AcmeNpu"], "runtime", sdk)
    said = names["AcmeNpu"]().available()
    assert said == f"{sdk} is not installed: pip install no_such_sdk"


def test_the_help_names_every_question(new):
    out, _ = new("--help")
    for name in rendering.questions():
        assert re.search(rf"\b{name}\b", out), name


def test_the_listing_of_commands_does_not_import_copier(tmp_path):
    code = "import sys, json, voxstack_template.command; print(json.dumps([*sys.modules]))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=Path(tmp_path))
    assert not {"copier", "yaml", "numpy"} & {*json.loads(run.stdout)}
