"""The host: discovers plugins, resolves names, builds voices, frees all that it loaded."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

from voxstack.addon import Addon, make_addon, read_document
from voxstack.addon_files import MANIFEST, Files, FolderFiles, open_files, package_files
from voxstack.buckets import varying
from voxstack.deployment import Deployment, VoiceSettings, read_deployment
from voxstack.discovery import Package
from voxstack.documents import Document, parse_json
from voxstack.errors import (
    AddonError,
    ConfigError,
    InputError,
    PluginError,
    Problem,
    VoxstackError,
    did_you_mean,
)
from voxstack.executors import Executor
from voxstack.filters import asked_filters
from voxstack.logs import get_logger
from voxstack.placement import Placement
from voxstack.plugins.index import install_one
from voxstack.programs import HostedProgram, ProgramCache, buckets_of, load_all
from voxstack.registry import Registry
from voxstack.stack import BuiltStack, StackBuilder
from voxstack.structure import schema_unfits
from voxstack.unfit import Unfits, problems_of
from voxstack.voice import Voice

log = get_logger("host")


@final
class Host:
    """Discovers plugins and builds voices; a context manager that frees all that it loaded.

    ``deploy`` is a deployment file; ``executor`` a name, ``{"type": ..., options}`` or an
    Executor, for all networks; ``allow`` and ``block`` are patterns of distribution names;
    ``plugins`` are modules or objects with hooks beside the installed ones; ``packages`` is a scan
    that was made before, for a host that makes none.
    """

    def __init__(
        self,
        *,
        deploy: str | os.PathLike[str] | Deployment | None = None,
        executor: Any = None,
        allow: Sequence[str] = (),
        block: Sequence[str] = (),
        plugins: Sequence[Any] = (),
        path: Iterable[str] | None = None,
        packages: Sequence[Package] | None = None,
    ) -> None:
        if isinstance(deploy, Deployment):
            self.deployment = deploy
        else:
            self.deployment = Deployment() if deploy is None else read_deployment(Path(deploy))
        self._origin = "the host's settings" if deploy is None else str(deploy)
        self.deploy_file: str | None = None  # where its deployment was read
        if isinstance(deploy, Deployment):
            self._origin = "the deployment"
        elif deploy is not None:
            self.deploy_file = str(deploy)
        self.allow, self.block = tuple(allow), tuple(block)  # beside the deployment's
        lists = self.deployment.plugins.filter(self._origin, over=self.allow)
        filters = [*asked_filters(self.allow, self.block), lists]
        self.registry = Registry(filters, plugins, path, packages)
        self._executor = executor
        self._cache = ProgramCache()
        self._voices: dict[str, Voice] = {}
        self._lock = threading.RLock()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free every network that was loaded; voices of this host speak no more."""
        self._cache.close()
        self._voices.clear()

    # Addons ---------------------------------------------------------------------------------

    def voices(self) -> list[str]:
        """Give the names of the installed voices: the addons that have a stack to speak with."""
        return [name for name in self.registry.names("addon") if self._speaks(name)]

    def _speaks(self, name: str) -> bool:
        try:
            return self.addon(name).manifest.speaks
        except VoxstackError:
            return True  # whoever asks for it is told what is wrong with it

    def files(self, name: str) -> Files:
        """Find an addon by its name, or by the path of its folder or zip."""
        path = Path(name)
        if _is_path(name) or (path / MANIFEST).is_file():
            return open_files(path)
        try:
            registration = self.registry.find(name, "addon")
        except PluginError as error:
            if error.component is None and path.exists():
                return open_files(path)  # says what it is, and what to give
            raise
        self.registry.require(registration)
        try:
            return package_files(registration.target)
        except VoxstackError as error:
            registration.status, registration.reason = "broken", str(error)
            raise

    def document(
        self, name: str, edits: Iterable[tuple[str, Any, str]] = ()
    ) -> tuple[Document, Files]:
        """Read an addon's manifest, with the deployment's edits and then ``edits`` made."""
        files = self.files(name)
        settings = self.settings(name)
        deployed = [(pointer, value, self._origin) for pointer, value in settings.set.items()]
        document = read_document(files)
        return document.edited([*deployed, *edits]) if deployed or edits else document, files

    def addon(self, name: str) -> Addon:
        """Open an addon as it was made, without the deployment's edits; nothing is loaded."""
        files = self.files(name)
        return make_addon(read_document(files), files)

    def load_networks(self, name: str) -> list[HostedProgram]:
        """Load every network of an addon on the executor that a voice would run it on."""
        addon = self.addon(name)
        builder = self._builder(name, addon, None)
        programs = [builder.hosted(network) for network in addon.networks.values()]
        load_all(programs)
        return programs

    def settings(self, name: str) -> VoiceSettings:
        """Give what the deployment sets for a voice."""
        return self.deployment.settings(name.partition("@")[0])

    def choose_voice(self, name: str | None = None) -> str:
        """Give the voice to use: the one named, the deployment's, VOXSTACK_VOICE, the only one."""
        for asked, who in (
            (name, ""),
            (self.deployment.voice, f"{self._origin}: voice: "),
            (os.environ.get("VOXSTACK_VOICE"), "VOXSTACK_VOICE: "),
        ):
            if asked:
                self._require_voice(asked, who)
                return asked
        voices = self.voices()
        if len(voices) == 1:
            return voices[0]
        if not voices:
            raise self._no_voice()
        raise InputError(
            f"name a voice with --voice, or set VOXSTACK_VOICE, to one of: {', '.join(voices)}"
        )

    def _require_voice(self, name: str, who: str) -> None:
        """Check that a voice of such a name, or a path, is there; ``who`` asked for it."""
        if Path(name).exists():
            return
        if _is_path(name):
            raise AddonError(f"{who}{name}: no such folder or zip")
        try:
            self.registry.find(name, "addon")
        except PluginError as error:
            if error.component is None:
                error = self.registry.unknown(name, "addon", "voice", self.voices())
            raise PluginError(who + error.message, error.component, error.suggestion) from None

    def _no_voice(self) -> PluginError:
        """Say why there is no voice to choose."""
        why: dict[tuple[str, str | None], list[str]] = {}
        for r in self.registry.registrations:
            if r.namespace == "addon" and not r.usable:
                why.setdefault((f"{r.reason}", r.next_step), []).append(f"{r.name} of {r.owner}")
        if not why:
            return PluginError(f"no voice is installed: {install_one('addon')}")
        reasons = (
            f"{', '.join(names)}: {reason}" + (f" ({step})" if step else "")
            for (reason, step), names in why.items()
        )
        return PluginError(f"no voice can be used: {'; '.join(reasons)}")

    # Voices ---------------------------------------------------------------------------------

    def voice(
        self,
        name: str | None = None,
        *,
        edits: Mapping[str, Any] | Sequence[tuple[str, Any, str]] = (),
        executor: Any = None,
        load: bool = True,
    ) -> Voice:
        """Build a voice and load its networks; the same one for the same arguments.

        With ``load=False`` the networks are loaded when they are first called.

        ``edits`` sets values of its addon.json by JSON pointer, ``{"/stack/0/...": value}``.
        ConfigError with all problems, before anything is loaded.
        """
        name = self.choose_voice(name)
        listed = (
            [(pointer, value, "the edits of Host.voice") for pointer, value in edits.items()]
            if isinstance(edits, Mapping)
            else list(edits)
        )
        key = json.dumps([name, [e[:2] for e in listed], executor], default=repr)
        with self._lock:
            voice = self._voices.get(key) or self._build(name, listed, executor)
            if load and not voice.loaded:
                voice.load()
                self.registry.announce("voxstack_voice_loaded", voice=voice)
            self._voices[key] = voice
            return voice

    def _build(self, name: str, edits: list[tuple[str, Any, str]], executor: Any) -> Voice:
        document, files = self.document(name, edits)
        addon, problems = None, []
        try:
            addon = make_addon(document, files)
        except ConfigError as error:
            problems = list(error.problems)
        if addon is not None and not addon.manifest.speaks:
            networks = ", ".join(f'"{n.qualified_name}"' for n in addon.networks.values())
            raise InputError(
                f"{name!r} is no voice: it brings networks for the stacks of others ({networks}); "
                f"voices: {', '.join(self.voices()) or 'none'}"
            )
        built = None
        try:
            built = self._builder(name, addon, executor).build(document)
        except ConfigError as error:
            # The manifest's own problems say it already if the stack is missing.
            problems += [p for p in error.problems if addon is not None or p.pointer]
        if problems or addon is None or built is None:
            raise ConfigError(problems)
        settings = self.settings(name)
        self._check_settings(name, addon, built, settings)
        _check_buckets(name, built)
        return Voice(addon, built, settings.controls, self.registry.announce)

    def _check_settings(
        self, name: str, addon: Addon, built: BuiltStack, settings: VoiceSettings
    ) -> None:
        """Refuse what the deployment sets for this voice and it does not have.

        What is set for all voices and this one lacks may be meant for another: a warning.
        """
        own = self.deployment.voices.get(name.partition("@")[0], VoiceSettings())
        used = [*addon.networks.values(), *(program.network for program in built.programs)]
        networks = {name: None for network in used for name in (network.name, network.role)}
        tables: tuple[tuple[str, str, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], ...]
        tables = (
            ("controls", "control", settings.controls, own.controls, addon.manifest.controls),
            ("executors", "network or role", settings.executors, own.executors, networks),
        )
        for table, called, given, mine, known in tables:
            for key in given:
                if key in known:
                    continue
                hint = did_you_mean(key, known) or f"it has: {', '.join(known) or 'none'}"
                text = (
                    f"{self._origin}: [{table}] {key!r}: the voice {name!r} has no {called} of "
                    f"that name ({hint})"
                )
                if key in mine:
                    raise InputError(text)
                log.warning(text)
        for control, value in settings.controls.items():
            if control in addon.manifest.controls:
                try:
                    addon.manifest.controls[control].tensor_value(control, value)
                except InputError as error:
                    raise InputError(f"{self._origin}: {error}") from None

    def check(
        self,
        path: str | os.PathLike[str],
        edits: Iterable[tuple[str, Any, str]] = (),
        voice: str | None = None,
    ) -> list[Problem]:
        """Give all problems of a configuration: an addon (its name, folder, zip or addon.json), or
        a stack alone, which is checked against the networks of ``voice`` if that is given.
        """
        problems: list[Problem] = []
        name = str(path)
        try:
            if not Path(path).exists() and self.registry.candidates(
                name.partition("@")[0], "addon"
            ):
                document, files = self.document(name, edits)
            else:
                document, files = _read_configuration(Path(path))
                document = document.edited(edits)
        except ConfigError as error:
            return list(error.problems)
        if isinstance(document.value, list):
            text = document.text
            document = Document({"stack": document.value}, document.name, text, base="/stack")
        if not isinstance(document.value, dict):
            return [document.problem("", "expected an object with a stack, or a list of blocks")]
        addon = None
        try:
            if "networks" in document.value or "format" in document.value:
                addon = make_addon(document, files)
            else:
                problems += problems_of(document, Unfits(list(schema_unfits(document.value))))
            if addon is None and voice is not None:
                addon = self.addon(voice)
                document.value.setdefault("frontend", addon.manifest.frontend)
        except ConfigError as error:
            problems += error.problems
        if addon is not None and not addon.manifest.speaks:
            return problems  # networks for the stacks of others: there is nothing to build
        try:
            built = self._builder(addon.name if addon else "", addon, None).build(document)
            if addon is not None:
                self._check_settings(addon.name, addon, built, self.settings(addon.name))
        except ConfigError as error:
            problems += error.problems
        except InputError as error:
            problems.append(Problem("", str(error)))
        return problems

    def executor(self, config: Any) -> Executor:
        """Make an executor from its name, or ``{"type": ..., options}``; ConfigError if wrong."""
        return self._builder("", None, None).executor(config, Document(config), "")

    def _builder(self, name: str, addon: Addon | None, executor: Any) -> StackBuilder:
        asked = executor if executor is not None else self._executor

        def make(config: Any) -> Executor:
            return builder.executor(config, Document(config), "")

        placement = Placement(self.registry, make, asked, self.settings(name), self._origin)
        builder = StackBuilder(self.registry, addon, self._cache, placement.choose, self.addon)
        return builder


def _check_buckets(name: str, built: BuiltStack) -> None:
    """Warn of sizes given for a dimension that no network of a voice has."""
    known: dict[str, None] = {}
    for program in built.programs:
        for dimension in varying(program.network):
            known |= dict.fromkeys((dimension, f"{program.network.name}.{dimension}"))
    given = {key for p in built.programs for key, _ in buckets_of(p.executor).sizes}
    for key in sorted(given - known.keys()):
        hint = did_you_mean(key, known) or f"it has: {', '.join(known)}"
        log.warning(f"buckets: {key!r}: the voice {name!r} has no such dimension ({hint})")


def _is_path(name: str) -> bool:
    return any(s in name for s in ("/", os.sep)) or name.endswith(".zip")


def _read_configuration(path: Path) -> tuple[Document, Files]:
    """Read an addon's folder or zip, or a JSON file and what lies beside it."""
    if path.is_dir() or path.suffix == ".zip":
        files = open_files(path)
        return read_document(files), files
    try:
        return parse_json(path.read_text("utf-8-sig"), str(path)), FolderFiles(path.parent)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start})") from None
