"""From the answers to a folder: all of it or nothing."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from voxstack import InputError
from voxstack.errors import did_you_mean

from voxstack_template.names import Names

TEMPLATE = Path(__file__).parent / "template"


def questions() -> dict[str, Any]:
    """Give what can be answered, by name."""
    read = yaml.safe_load((TEMPLATE / "copier.yml").read_text("utf-8"))
    return {name: details for name, details in read.items() if not name.startswith("_")}


def require_place(target: Path) -> None:
    """Refuse a place that cannot be written, or that holds something; InputError."""
    if Path.cwd().is_relative_to(target.absolute()):
        raise InputError(f"the package cannot be {target}, where we stand; name a new folder by -o")
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise InputError(f"{target} is there and is no folder; choose another with -o FOLDER")
    if target.is_dir() and any(target.iterdir()):
        raise InputError(
            f"the folder {target} is not empty; choose another with -o FOLDER, or remove it"
        )
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {target.parent}; make it first")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"the folder {target.parent} cannot be written; choose another with -o")


def render(
    names: Names, answers: Mapping[str, str], target: Path, ask: bool, clashes: Collection[str] = ()
) -> dict[str, Any]:
    """Make the package at ``target`` and give all answers; InputError for one that is wrong.

    With ``ask`` the terminal is asked for what ``answers`` leave open, else defaults are taken.
    ``clashes`` are the kinds in which another package has the component's name: the README then
    names the distribution too. It is made beside ``target`` and moved there when it is whole.
    """
    there = questions()
    for name in answers:
        if name not in there:
            hint = did_you_mean(name, there) or f"there: {', '.join(there)}"
            raise InputError(f"--data {name}: no such question ({hint})")
        if there[name]["type"] == "bool" and answers[name].lower() not in ("true", "false"):
            raise InputError(f"--data {name}={answers[name]}: expected true or false")
    require_place(target)
    from copier import run_copy
    from copier.errors import CopierAnswersInterrupt, CopierError

    known = {
        "name": names.distribution,
        "module": names.module,
        "component": names.component,
        "clashes": [*clashes],
        **answers,
    }
    try:
        with TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as beside:
            made = Path(beside) / target.name
            worker = run_copy(str(TEMPLATE), made, known, defaults=not ask, quiet=True)
            made_of: dict[str, Any] = {name: worker.answers.combined.get(name) for name in there}
            _require_asked(answers, there, str(made_of["kind"]))
            for manifest in made.glob("src/*/addon.json"):
                _list_files(manifest)
            if target.is_dir():
                target.rmdir()  # empty, as we saw
            made.replace(target)
    except CopierAnswersInterrupt:
        raise KeyboardInterrupt from None
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}") from None
    except (ValueError, CopierError) as error:
        raise InputError(f"{error}".replace("\n", " ")) from None
    return made_of


def _list_files(manifest: Path) -> None:
    """Fill in the size and the hash of each file that an addon.json lists: ``"PATH": {}``."""

    def filled(place: re.Match[str]) -> str:
        data = (manifest.parent / json.loads(place[1])).read_bytes()
        entry = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        return f"{place[1]}: {json.dumps(entry, indent=2)}".replace("\n", "\n    ")

    head, files, rest = manifest.read_text("utf-8").rpartition('"files": {')
    rest = re.sub(r'("[^"]+"): \{\}', filled, rest)
    manifest.write_text(head + files + rest, encoding="utf-8", newline="\n")


def _require_asked(answers: Mapping[str, str], there: Mapping[str, Any], kind: str) -> None:
    """Refuse an answer to a question that is asked of other kinds alone."""
    for name in answers:
        if f"'{kind}'" not in there[name].get("when", f"'{kind}'"):
            raise InputError(f"--data {name}: is not asked of the kind {kind}; leave it out")
