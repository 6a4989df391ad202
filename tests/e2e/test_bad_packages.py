"""Packages that are made badly, really installed by pip: what they get, and what they cannot do."""

import json
import os
import subprocess
import sys
import sysconfig
import venv

import pytest

pytestmark = pytest.mark.slow

GAIN = """
from attrs import frozen
from voxstack import StreamableBlock

@frozen
class Gain(StreamableBlock):
    "Pass the audio on."

    def stream(self, sequence, upstream):
        yield from upstream
"""
BUILD = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'


class Environment:
    """A virtual environment of its own, which sees what is installed around the tests."""

    def __init__(self, folder):
        self.folder = folder
        venv.create(folder / "venv", symlinks=os.name != "nt")
        bin_ = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        self.python = bin_ / "python"
        paths = sysconfig.get_paths(vars={"base": str(folder / "venv"), "platbase": ""})
        self.site = folder / "venv" / os.path.relpath(paths["purelib"], paths["data"])
        outer = sysconfig.get_paths()["purelib"]
        # Not a mere path: editable installs there are .pth files of their own.
        (self.site / "outer.pth").write_text(f"import site; site.addsitedir({outer!r})\n")
        self.env = {k: v for k, v in os.environ.items() if k != "PYTHONHOME"}
        self.env["VOXSTACK_VOICE"] = "en-us"

    def pip(self, *arguments):
        pip = [sys.executable, "-m", "pip", "--python", self.python, "--disable-pip-version-check"]
        command = [str(a) for a in (*pip, "install", "-q", "--no-build-isolation", "--no-deps")]
        done = subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def project(self, name, entries, files, version="1.0"):
        """Write a project: entry points as TOML, and files by their path."""
        folder = self.folder / "projects" / f"{name}-{version}"
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        listed = json.dumps(sorted({path.partition("/")[0] for path in files}))
        (folder / "pyproject.toml").write_text(
            f'{BUILD}[project]\nname = "{name}"\nversion = "{version}"\n{entries}'
            f"\n[tool.hatch.build.targets.wheel]\nonly-include = {listed}\n"
            '[tool.hatch.build]\ndev-mode-dirs = ["."]\n'
        )
        return folder

    def run(self, *arguments, cwd=None, timeout=60):
        command = [str(a) for a in (self.python, "-m", "voxstack", *arguments)]
        return subprocess.run(
            command, cwd=cwd or self.folder, env=self.env, capture_output=True, timeout=timeout
        )

    def say(self, type_, *options):
        edit = "/stack/-=" + json.dumps({"type": type_})
        return self.run("say", "Yes.", "--set", edit, "-o", "-", *options)

    def rows(self, *options):
        return json.loads(self.run("plugins", "--json", *options).stdout)

    def findings(self, distribution):
        done = self.run("doctor", "--json", "--timeout", "5", timeout=120)
        about = [f for f in json.loads(done.stdout) if distribution in f["subject"] + f["message"]]
        assert done.stderr == b""
        return [f for f in about if f["status"] != "ok"]


def effects(**targets):
    lines = "\n".join(f'"{name}" = "{target}"' for name, target in targets.items())
    return f'[project.entry-points."voxstack.effects"]\n{lines}\n'


@pytest.fixture
def environment(tmp_path):
    return Environment(tmp_path)


@pytest.fixture
def installed(environment):
    """Install one module with entry points."""

    def install(name, code, **targets):
        module = name.replace("-", "_")
        targets = targets or {"AcmeGain": f"{module}:Gain"}
        environment.pip(environment.project(name, effects(**targets), {f"{module}.py": code}))
        return environment

    return install


def refused(done, *says):
    said = done.stderr.decode()
    assert done.returncode == 2, said
    assert done.stdout == b"" and "Traceback" not in said
    for words in says:
        assert words in said
    return True


def test_a_package_that_brings_one_name_twice(environment):
    entries = effects(AcmeGain="acme_gain:Gain") + (
        '[project.entry-points."voxstack.blocks"]\nAcmeGain = "acme_gain:Other"\n'
    )
    environment.pip(environment.project("acme-gain", entries, {"acme_gain.py": GAIN}))
    says = ("acme-gain 1.0 provides the block 'AcmeGain' twice", "acme_gain:Other", "its authors")
    assert refused(environment.say("AcmeGain"), *says)
    assert refused(environment.say("AcmeGain@acme-gain"), *says)
    assert len(environment.say("Gain").stdout) > 1000, "the others are not touched"


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("acme_nothing:Gain", "No module named 'acme_nothing'"),
        ("acme_gain:Nothing", "has no attribute 'Nothing'"),
        ("acme_gain:Plain", "is a class that does not extend voxstack.StreamableBlock"),
        ("acme_gain:given", "is a Gain; the group voxstack.effects takes attrs classes"),
        ("acme_gain", "its target is 'acme_gain', expected 'package.module:Name'"),
    ],
)
def test_an_entry_point_that_leads_nowhere(installed, target, says):
    code = GAIN + "class Plain: pass\ngiven = Gain()\n"
    environment = installed("acme-gain", code, AcmeGain=target)
    assert refused(environment.say("AcmeGain"), "/stack/2/type", "acme-gain 1.0", says)
    (found,) = environment.findings("acme-gain")
    assert found["status"] == "error" and says.partition(";")[0] in found["message"]
    assert "acme-gain" in found["next_step"]


def test_editable_and_normal_installs_of_one_package(environment, tmp_path):
    project = environment.project(
        "acme-gain", effects(AcmeGain="acme_gain:Gain"), {"acme_gain.py": GAIN}
    )
    environment.pip("-e", project)
    newer = environment.project(
        "acme-gain", effects(AcmeGain="acme_gain:Gain"), {"acme_gain.py": GAIN}, "2.0"
    )
    environment.pip("--target", tmp_path / "other", newer)
    environment.env["PYTHONPATH"] = str(tmp_path / "other")
    (row,) = (r for r in environment.rows() if r["name"] == "AcmeGain")
    assert (row["version"], row["status"]) == ("2.0", "ok"), "that which Python imports"
    assert environment.say("AcmeGain").returncode == 0
    (found,) = environment.findings("acme-gain")
    assert "is installed more than once" in found["message"]
    assert "acme_gain-2.0.dist-info" in found["message"].partition("is used")[0]


def test_two_packages_share_a_namespace(environment):
    for part in ("one", "two"):
        entries = effects(**{f"Acme{part}": f"acme.{part}.gain:Gain"})
        files = {f"acme/{part}/gain.py": GAIN, f"acme/{part}/__init__.py": ""}
        environment.pip(environment.project(f"acme-{part}", entries, files))
    for part in ("one", "two"):
        assert environment.say(f"Acme{part}").returncode == 0
    assert environment.findings("acme-") == []
    edit = ("--set", '/stack/-={"type":"Acmeone"}')
    assert environment.run("stack", "lock", "en-us", "-o", "a.lock", *edit).returncode == 0
    sources = json.loads((environment.folder / "a.lock").read_text())["sources"]
    assert "acme.one" in sources and "acme.two" not in sources and "acme" not in sources


@pytest.mark.parametrize("damage", ["missing", "garbled", "empty"])
def test_metadata_that_is_missing_or_broken(installed, damage):
    environment = installed("acme-gain", GAIN)
    metadata = environment.site / "acme_gain-1.0.dist-info" / "METADATA"
    if damage == "missing":
        metadata.unlink()
    else:
        metadata.write_bytes(b"\xff\xfe\x00\xd8" if damage == "garbled" else b"")
    (row,) = (r for r in environment.rows() if r["name"] == "AcmeGain")
    assert row["version"] == "1.0"
    assert environment.say("Gain").returncode == 0, "those of others work"
    found = [f for f in environment.findings("acme-gain") if "METADATA" in f["message"]]
    again = "pip install --force-reinstall --no-deps "  # from the folder that pip got it from
    source = environment.folder / "projects" / "acme-gain-1.0"
    assert {f["next_step"].partition(",")[0] for f in found} == {f"{again}{source}"}


LOUD = "import os\nprint('Welcome to Acme!')\nos.write(1, b'from below')\n" + GAIN


@pytest.mark.parametrize(
    "command",
    [
        ("stack", "show", "en-us", "--json"),
        ("stack", "graph", "en-us", "-o", "-", "--format", "mmd"),
        ("stack", "why", "en-us", "/stack/2", "--json"),
        ("trace", "Yes.", "-o", "-"),
        ("schema",),
        ("addon", "check", "en-us", "--json"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_what_a_plugin_prints_does_not_end_up_in_what_a_command_makes(installed, command):
    environment = installed("acme-gain", LOUD)
    edit = () if command[0] == "schema" else ("--set", '/stack/-={"type":"AcmeGain"}')
    done = environment.run(*command, *edit)
    assert done.returncode == 0, done.stderr.decode()
    assert b"Welcome" not in done.stdout and b"Welcome to Acme!" in done.stderr
    assert b"from below" not in done.stdout
    assert b"flowchart" in done.stdout or json.loads(done.stdout)


def test_audio_on_stdout_is_clean_too(installed):
    environment = installed("acme-gain", LOUD)
    loud, plain = environment.say("AcmeGain"), environment.say("Gain")
    assert loud.stdout == plain.stdout and b"Welcome to Acme!" in loud.stderr


def test_a_plugin_that_ends_python_when_it_is_imported(installed):
    environment = installed("acme-gain", "raise SystemExit(0)\n")
    assert refused(environment.say("AcmeGain"), "acme-gain 1.0", "SystemExit: 0")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_plugin_that_forks_when_it_is_imported_is_heard_once(installed):
    environment = installed("acme-gain", "import os\nos.fork()\n" + GAIN)
    assert environment.say("AcmeGain").stdout == environment.say("Gain").stdout
    (found,) = environment.findings("acme-gain")
    assert "forks the process" in found["message"]


def test_a_plugin_that_hangs_is_told_of_and_can_be_left(installed):
    environment = installed("acme-gain", "import time\ntime.sleep(600)\n")
    assert len(environment.rows()) > 10, "listing imports nothing"
    assert environment.say("Gain").returncode == 0, "nobody has named it"
    (found,) = environment.findings("acme-gain")
    assert "did not end within 5 s" in found["message"]
    assert "block = ['acme-gain']" in found["next_step"]
    blocked = environment.say("AcmeGain", "--block", "acme-gain")
    assert refused(blocked, "blocked by 'acme-gain'")


def test_500_plugins_change_nothing_for_the_others(environment):
    targets = {f"Acme{i}": f"acme_gain{i}:Gain" for i in range(500)}
    files = {f"acme_gain{i}.py": "raise SystemExit('imported')\n" for i in range(500)}
    environment.pip(environment.project("acme-many", effects(**targets), files))
    rows = environment.rows()
    assert sum(row["distribution"] == "acme-many" for row in rows) == 500
    assert environment.say("Gain").returncode == 0
    assert refused(environment.say("Acme4999"), "did you mean 'Acme499'")
