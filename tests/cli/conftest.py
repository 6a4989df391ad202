"""The command line in processes of its own, broken addons and fake installed packages."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import frozen

Names = set[str]


def names_in(folder: Path) -> Names:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@frozen
class Result:
    """What a command left behind."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def samples(self) -> np.ndarray:
        return np.frombuffer(self.raw, dtype="<i2")


class CommandLine:
    """``voxstack`` of the Python that runs the tests, at home in ``folder``."""

    def __init__(self, folder: Path, site: Path) -> None:
        self.folder = folder
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("VOXSTACK")}
        self.env["VOXSTACK_VOICE"] = "en-us"  # where several voices are installed
        inherited = [p for p in (self.env.get("PYTHONPATH"),) if p]
        self.env["PYTHONPATH"] = os.pathsep.join([str(site), *inherited])
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: Any, env: Mapping[str, str] | None = None, **how: Any) -> Any:
        """Start a command, with pipes for all that ``how`` does not say."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        words = [a if isinstance(a, bytes) else str(a) for a in arguments]
        process = subprocess.Popen(
            [sys.executable, "-m", "voxstack", *words],
            cwd=self.folder,
            env={**self.env, **(env or {})},
            **{**pipes, **how},
        )
        self.running.append(process)
        return process

    def __call__(self, *arguments: Any, stdin: bytes = b"", **how: Any) -> Result:
        process = self.start(*arguments, **how)
        out, err = process.communicate(stdin, timeout=60)
        return Result(process.returncode, out or b"", (err or b"").decode())

    def good(self, *arguments: Any, **how: Any) -> Result:
        """Run a command that must succeed and say nothing on stderr."""
        result = self(*arguments, **how)
        assert (result.code, result.err) == (0, "")
        return result

    def close(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None and not pipe.closed:
                    pipe.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder that commands run in."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder on the PYTHONPATH of the commands, where packages are put."""
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


@pytest.fixture
def voxstack(home: Path, site: Path) -> Iterator[CommandLine]:
    command_line = CommandLine(home, site)
    yield command_line
    command_line.close()


@pytest.fixture
def refused(voxstack: CommandLine, home: Path) -> Callable[..., Result]:
    """Run a command that must fail with one message that holds the ``says``, and nothing else."""

    def run(*arguments: Any, says: tuple[str, ...], code: int = 2, **how: Any) -> Result:
        before = names_in(home)
        result = voxstack(*arguments, **how)
        assert result.code == code, result.err
        for words in says:
            assert words in result.err
        assert "Traceback" not in result.err
        assert len(re.findall(r"(?im)^error: ", result.err)) == 1
        assert result.err.startswith(("error: ", "Usage: ")), "a log line beside the message"
        assert result.raw == b""
        assert names_in(home) == before, "something was left behind"
        return result

    return run


@pytest.fixture
def install(site: Path) -> Callable[..., None]:
    """Lay out a distribution as pip would have installed it: a module and its dist-info."""

    def put(
        name: str,
        entry_points: Mapping[str, str],
        code: str = "",
        requires: str = "",
        version: str = "1.0",
    ) -> None:
        module = name.replace("-", "_")
        (site / f"{module}.py").write_text(code)
        info = site / f"{module}-{version}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        if requires:
            metadata += f"Requires-Dist: {requires}\n"
        (info / "METADATA").write_text(metadata)
        lines = []
        for place, target in entry_points.items():  # {"effects.Name": "module:Class"}
            kind, _, entry = place.partition(".")
            lines += [f"[voxstack.{kind}]" if kind else "[voxstack]", f"{entry} = {target}"]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")

    return put


def _linked(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


@pytest.fixture(scope="session")
def default_voice() -> Path:
    """The folder of the installed default voice."""
    spec = find_spec("voxstack_voice_en_us")
    assert spec is not None, "pip install -e plugins/voice-en-us"
    assert spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations)))


@pytest.fixture
def addon(tmp_path: Path, default_voice: Path) -> Path:
    """A copy of the default voice to break; replace its files, do not write into them."""
    folder = tmp_path / "voice"
    shutil.copytree(
        default_voice,
        folder,
        copy_function=_linked,
        ignore=shutil.ignore_patterns("__pycache__", "*.py"),
    )
    return folder


@pytest.fixture
def rewrite(addon: Path) -> Callable[[Callable[[Any], Any]], Path]:
    """Change the copy's addon.json by a function that edits it in place; gives the folder."""

    def write(change: Callable[[Any], Any]) -> Path:
        path = addon / "addon.json"
        value = json.loads(path.read_text())
        change(value)
        path.unlink()
        path.write_text(json.dumps(value, indent=2))
        return addon

    return write


@pytest.fixture
def read_wav() -> Callable[[Path], tuple[np.ndarray, int]]:
    def read(path: Path) -> tuple[np.ndarray, int]:
        with wave.open(str(path), "rb") as file:
            assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
            data = file.readframes(file.getnframes())
            return np.frombuffer(data, dtype="<i2"), file.getframerate()

    return read


@pytest.fixture
def interruptible() -> Callable[[], None]:
    """What a child calls so that Ctrl-C reaches it, even if the tests run in the background."""
    return lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None
