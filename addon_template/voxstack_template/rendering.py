"""Render a package from the answers, completely or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from voxstack import InputError
from voxstack.inspection import did_you_mean

from voxstack_template.names import Names, offered

TEMPLATE = Path(__file__).parent / "template"
VALIDATION = re.compile(r"Validation error for question '(\w+)': (.*)")  # copier's message


def questions() -> dict[str, Any]:
    """Return the questions by name."""
    read = yaml.safe_load((TEMPLATE / "copier.yml").read_text("utf-8"))
    return {name: details for name, details in read.items() if not name.startswith("_")}


def require_place(target: Path) -> None:
    """Refuse a folder that cannot be written, or that is not empty; InputError."""
    if Path.cwd().is_relative_to(target.absolute()):
        raise InputError(
            f"{target} is the current folder or one around it; choose another with -o FOLDER"
        )
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise InputError(f"{target} exists and is not a folder; choose another with -o FOLDER")
    if target.is_dir() and any(target.iterdir()):
        raise InputError(
            f"the folder {target} is not empty; choose another with -o FOLDER, or remove it"
        )
    there = _there(target)
    if not there.is_dir():
        raise InputError(f"{there} exists and is not a folder; choose another with -o FOLDER")
    if not os.access(there, os.W_OK):
        raise InputError(f"cannot write into the folder {there}; choose another with -o FOLDER")


def _there(target: Path) -> Path:
    """Return the nearest existing folder around ``target``; those between are created with it."""
    return next(folder for folder in target.absolute().parents if os.path.lexists(folder))


def render(
    names: Names,
    answers: Mapping[str, str],
    target: Path,
    ask: bool,
    clashes: Mapping[str, str],
    clash: bool,
) -> dict[str, Any]:
    """Render the package into ``target`` and return all answers; InputError for a wrong one.

    With ``ask``, questions that ``answers`` leave open are asked on the terminal; otherwise
    defaults are used. ``clashes`` maps a kind to a message if another package has the component's
    name: it is refused, or with ``clash`` the README names the distribution too. The package is
    rendered beside ``target`` and moved there when it is complete.
    """
    there = questions()
    for name, answer in answers.items():
        if name not in there:
            hint = did_you_mean(name, there) or f"there: {', '.join(there)}"
            raise InputError(f"--data {name}: unknown question ({hint})")
        _require_choice(name, answer, there[name])
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
        with TemporaryDirectory(prefix=f".{target.name}.", dir=_there(target)) as beside:
            made = Path(beside) / target.name
            worker = run_copy(str(TEMPLATE), made, known, defaults=not ask, quiet=True)
            made_of: dict[str, Any] = {name: worker.answers.combined.get(name) for name in there}
            kind = str(made_of["kind"])
            _require_asked(answers, there, kind)
            if kind in clashes and not clash:
                free = offered(names.distribution, but=names.distribution)
                raise InputError(
                    f"{clashes[kind]}; choose another name: voxstack addon new {free}, "
                    "or use --clash"
                )
            for manifest in made.glob("src/*/addon.json"):
                _list_files(manifest)
            if target.is_dir():
                target.rmdir()  # require_place found it empty
            target.parent.mkdir(parents=True, exist_ok=True)
            made.replace(target)
    except CopierAnswersInterrupt:
        raise KeyboardInterrupt from None
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}") from None
    except (ValueError, CopierError) as error:
        raise InputError(_said(error, answers)) from None
    return made_of


def _said(error: Exception, answers: Mapping[str, str]) -> str:
    """Return copier's message about an answer in our words."""
    text = f"{error}".replace("\n", " ")
    if (found := VALIDATION.fullmatch(text)) and found[1] in answers:
        return f"--data {found[1]}={answers[found[1]]}: {found[2]}"
    return text


def _list_files(manifest: Path) -> None:
    """Fill in the size and the hash of each file that an addon.json lists: ``"PATH": {}``."""

    def filled(place: re.Match[str]) -> str:
        data = (manifest.parent / json.loads(place[1])).read_bytes()
        entry = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        return f"{place[1]}: {json.dumps(entry, indent=2)}".replace("\n", "\n    ")

    head, files, rest = manifest.read_text("utf-8").rpartition('"files": {')
    rest = re.sub(r'("[^"]+"): \{\}', filled, rest)
    manifest.write_text(head + files + rest, encoding="utf-8", newline="\n")


def _require_choice(name: str, answer: str, question: Mapping[str, Any]) -> None:
    """Refuse an answer that is not one of the choices."""
    if question["type"] == "bool":
        choices, answer = ["true", "false"], answer.lower()
    else:
        choices = [*question.get("choices", {}).values()]
    if choices and answer not in choices:
        *first, last = choices
        hint = did_you_mean(answer, choices)
        raise InputError(
            f"--data {name}={answer}: expected {', '.join(first)} or {last}"
            + (f" ({hint})" if hint else "")
        )


def _require_asked(answers: Mapping[str, str], there: Mapping[str, Any], kind: str) -> None:
    """Refuse an answer to a question that is only asked for other kinds."""
    for name in answers:
        if f"'{kind}'" not in there[name].get("when", f"'{kind}'"):
            raise InputError(f"--data {name}: not a question of the kind {kind}; leave it out")
