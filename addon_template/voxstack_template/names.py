"""Choose the names of a new package: of its distribution, its module and its component."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
import unicodedata
from importlib.util import find_spec
from typing import final

import voxstack
from attrs import frozen
from importlib_metadata import PackageNotFoundError, distribution
from voxstack import InputError

LONGEST = 40  # characters
GOOD = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
DEVICES = re.compile(r"con|prn|aux|nul|com\d|lpt\d")  # not allowed as folder names on Windows
# Names with another meaning in the rendered files, besides what voxstack exports.
TAKEN = {"Any", "Durations", "InferenceSession", "Iterator", "Mapping", "TensorSpec"}
TAKEN |= {"ExecutorSuite", "SequenceBlockSuite", "StreamableBlockSuite"}
TAKEN_MODULES = {"build", "conftest", "dist", "setup", "src", "tests"}
# Letters that do not decompose into a plain letter and an accent, as "é" does.
LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "þ": "th", "ı": "i"}


@final
@frozen
class Names:
    """The names of a package and its parts."""

    distribution: str  # "acme-gain": the name for pip and of the folder
    notes: tuple[str, ...] = ()  # what the user should know about the names

    @property
    def module(self) -> str:
        """The import package, "acme_gain"."""
        return self.distribution.replace("-", "_")

    @property
    def component(self) -> str:
        """The class and its name in a configuration, "AcmeGain"."""
        return "".join(part.capitalize() for part in self.distribution.split("-"))

    def named(self, kind: str) -> str:
        """Return the name in a configuration: the component, or "acme-robot" for a voice."""
        return self.distribution if kind == "voice" else self.component


def names_of(given: str) -> Names:
    """Return the names for the user's input; InputError suggests another one."""
    if re.search(r"[/\\]", given):
        last = next((p for p in reversed(re.split(r"[/\\]+", given)) if _plain(p)), "acme-gain")
        raise _refused(given, "is a path; pass a name, and the folder with -o", offered(last))
    plain = _plain(given)
    if not plain:
        raise _refused(given, "has no letter from a to z", "acme-gain")
    if given.startswith("-"):
        raise _refused(given, "begins with a dash, as options do", offered(plain))
    if _lost(given):
        raise _refused(given, "has letters beyond a to z", offered(plain))
    if len(plain) > LONGEST:
        text = f"has {len(plain)} characters, at most {LONGEST} are allowed"
        raise _refused(given[:20] + "...", text, offered(plain))
    if not GOOD.fullmatch(plain):
        raise _refused(given, "does not begin with a letter", offered(plain))
    notes = [] if plain == given else [f"{given!r} is written {plain!r}"]
    names = Names(plain)
    if reason := _reserved(names):
        raise _refused(given, reason, offered(plain))
    notes += _installed(given, names)
    return Names(plain, tuple(notes))


def _plain(given: str) -> str:
    """Return a name in lowercase with single dashes: "Acme Gäin" is "acme-gain"."""
    letters = _spelt(given).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")


def _spelt(given: str) -> str:
    """Return the text in lowercase with accents apart from their letters where possible."""
    return unicodedata.normalize("NFKD", given).lower().translate(str.maketrans(LETTERS))


def _lost(given: str) -> bool:
    """Return whether the plain form omits a letter or a digit."""
    return any(c.isalnum() and not c.isascii() for c in _spelt(given))


def offered(plain: str, but: str = "") -> str:
    """Return a free name that differs from ``but``."""
    rest = _plain(plain).removeprefix("acme-").removeprefix("voxstack-")[: LONGEST - 5].strip("-")
    if not rest or rest == "acme" or _reserved(Names(f"acme-{rest}")):
        rest = "gain"
    return f"my-{rest}" if f"acme-{rest}" == but else f"acme-{rest}"


def _reserved(names: Names) -> str | None:
    """Return why a name is reserved by Python, voxstack or the rendered files, or None."""
    module, component = names.module, names.component
    if keyword.iskeyword(module) or keyword.iskeyword(component):
        return "is a reserved word of Python"
    if module in sys.stdlib_module_names or module == "test":  # "test" is missing in that set
        return "is a module of Python's standard library"
    if component in dir(builtins):
        return f"gives the class {component}, which is a builtin of Python"
    if module.split("_")[0] == "voxstack":
        return "begins with 'voxstack', which is reserved for voxstack's own packages"
    if component in voxstack.__all__ or component in TAKEN:
        return f"gives the class {component}, which voxstack or Python already has"
    if module in TAKEN_MODULES or DEVICES.fullmatch(module):
        return "is reserved by tools or operating systems"
    return None


def _installed(given: str, names: Names) -> list[str]:
    """Return a note if the user's own package is installed; InputError for another package."""
    try:
        there = distribution(names.distribution)
    except PackageNotFoundError:
        there = None
    if there is not None:
        if any(e.group.startswith("voxstack.") for e in there.entry_points):
            text = f"{names.distribution} {there.version} is installed; yours will replace it"
            return [text]
        text = f"is an installed package, {names.distribution} {there.version}"
        raise _refused(given, text, offered(names.distribution, but=names.distribution))
    try:
        spec = find_spec(names.module)
    except (ImportError, ValueError, AttributeError):
        spec = None
    if spec is not None and spec.origin is not None:
        text = f"is an installed module, {names.module}"
        raise _refused(given, text, offered(names.distribution, but=names.distribution))
    return []


def _refused(given: str, reason: str, suggestion: str) -> InputError:
    return InputError(f"the name {given!r} {reason}; try: voxstack addon new {suggestion}")
