"""The host: discovers plugins, resolves names, builds voices, and frees what it loaded."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

from voxstack.addons import (
    Addon,
    Files,
    FolderFiles,
    Library,
    make_addon,
    open_files,
    read_document,
)
from voxstack.building import (
    Deployment,
    ExecutorMaker,
    Placement,
    Preferences,
    StackBuilder,
    VoiceSettings,
    check_buckets,
    check_settings,
    read_deployment,
    read_user_file,
    user_file_path,
)
from voxstack.config import Document, Invalids, parse_json, problems_of, read_text, schema_problems
from voxstack.errors import ConfigError, InputError, PluginError, Problem
from voxstack.executors import Executor
from voxstack.plugins import Filter, Package, Registry, install_one
from voxstack.running import BuiltStack, HostedProgram, ProgramCache, Voice, load_all

Edit = tuple[str, Any, str]  # JSON pointer, value, who set it


@final
class Host:
    """Discovers plugins and builds voices; a context manager that frees all that it loaded.

    ``deploy`` is a deployment file; ``executor`` a name, ``{"type": ..., options}`` or an
    Executor, for all networks; ``allow`` and ``block`` are patterns of distribution names;
    ``plugins`` are modules or objects with hooks beside the installed ones; ``packages`` is the
    result of an earlier scan. ``arguments`` names an argument in messages.
    """

    def __init__(
        self,
        *,
        deploy: str | os.PathLike[str] | Deployment | None = None,
        executor: Any = None,
        allow: Sequence[str] = (),
        block: Sequence[str] = (),
        plugins: Sequence[Any] = (),
        packages: Iterable[Package] | None = None,
        arguments: str = "{} of the host",
    ) -> None:
        for argument, patterns in (("allow", allow), ("block", block)):
            if isinstance(patterns, str):
                what = f"{arguments.format(argument)}: expected a list of patterns"
                raise InputError(f'{what}, ["{patterns}"], not a string')
        self.deploy_file = None if deploy is None or isinstance(deploy, Deployment) else str(deploy)
        if isinstance(deploy, Deployment):
            self.deployment = deploy
        else:
            self.deployment = Deployment() if deploy is None else read_deployment(Path(deploy))
        self._origin = self.deploy_file or "the deployment"
        self._arguments = arguments
        self.allow, self.block = tuple(allow), tuple(block)  # in addition to the deployment's
        filters = (
            Filter(block=self.block, origin=arguments.format("block")),
            Filter(self.allow or ("*",), origin=arguments.format("allow")),
            self.deployment.plugins.filter(self._origin, over=self.allow),
        )
        self._user = read_user_file()
        self.registry = Registry(filters, plugins, packages)
        self.library = Library(self.registry)
        self._maker = ExecutorMaker(self.registry)
        self._executor = executor
        self._cache = ProgramCache()
        self._voices: list[tuple[tuple[Any, ...], Voice]] = []
        self._announced: list[Voice] = []
        self._lock = threading.RLock()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free every network that was loaded; the host's voices cannot speak afterwards."""
        self._cache.close()
        self._voices.clear()
        self._announced.clear()

    # Addons ---------------------------------------------------------------------------------

    def voices(self) -> list[str]:
        """Return the names of the installed voices: the addons that have a stack to speak with."""
        return self.library.voices()

    def addon(self, name: str) -> Addon:
        """Open an addon as it was made, without the deployment's edits; nothing is loaded."""
        return self.library.addon(name)

    def document(self, name: str, edits: Iterable[Edit] = ()) -> tuple[Document, Files]:
        """Read an addon's manifest, with the deployment's edits and then ``edits`` made."""
        files = self.library.files(name)
        return self._edited(read_document(files), edits, name), files

    def _edited(self, document: Document, edits: Iterable[Edit], name: str) -> Document:
        settings = self._settings(name, document)
        deployed = [(pointer, value, self._origin) for pointer, value in settings.set.items()]
        return document.edited([*deployed, *edits])

    def _settings(self, name: str, document: Document) -> VoiceSettings:
        """Return what the deployment sets for a voice: by its installed name, or its own."""
        return self.deployment.settings(self._voice_name(name, document))

    def _voice_name(self, name: str, document: Document) -> str:
        if self.library.installed(name) or not isinstance(document.value, dict):
            return name.partition("@")[0]
        return str(document.value.get("name", ""))

    def choose_voice(self, name: str | None = None) -> str:
        """Return the voice to use.

        It is the one named, the deployment's, VOXSTACK_VOICE, the user's, or the only one.
        """
        for asked, who in (
            (name, ""),
            (self.deployment.voice, f"{self._origin}: voice: "),
            (os.environ.get("VOXSTACK_VOICE"), "VOXSTACK_VOICE: "),
            (self._user.voice, f"{user_file_path()}: voice: " if self._user.voice else ""),
        ):
            if asked:
                self.library.require(asked, who)
                return asked
        voices = self.voices()
        if len(voices) == 1:
            return voices[0]
        if not voices:
            raise self._no_voice()
        how = f"name a voice ({self._arguments.format('voice')}), or set VOXSTACK_VOICE"
        raise InputError(f"several voices are installed: {', '.join(voices)}; {how}")

    def _no_voice(self) -> PluginError:
        """Return the error that says why there is no voice to choose."""
        why: dict[tuple[str, str | None], list[str]] = {}
        for r in self.registry.registrations:
            if r.namespace == "addon" and not r.usable:
                why.setdefault((f"{r.reason}", r.next_step), []).append(f"{r.name} of {r.owner}")
        if not why:
            return PluginError(f"no voice is installed; {install_one('addon')}")
        reasons = (
            f"{', '.join(names)}: {reason}" + (f" ({step})" if step else "")
            for (reason, step), names in why.items()
        )
        return PluginError(f"no voice can be used: {'; '.join(reasons)}")

    # Voices ---------------------------------------------------------------------------------

    def voice(
        self,
        name: str | os.PathLike[str] | None = None,
        *,
        edits: Mapping[str, Any] | Sequence[Edit] = (),
        executor: Any = None,
        load: bool = True,
    ) -> Voice:
        """Build a voice and load its networks; the same one for the same arguments.

        With ``load=False`` the networks are loaded when they are first called.

        ``edits`` sets values of its addon.json by JSON pointer, ``{"/stack/0/...": value}``.
        ConfigError with all problems, before anything is loaded.
        """
        name = self.choose_voice(None if name is None else os.fspath(name))
        if isinstance(edits, Mapping):
            edits = [
                (pointer, value, "the edits of Host.voice") for pointer, value in edits.items()
            ]
        key = (name, [(pointer, value) for pointer, value, _ in edits], executor)
        with self._lock:
            same = (v for known, v in self._voices if known == key and repr(known) == repr(key))
            voice = next(same, None)  # 1 == True, but their representations differ
            if voice is None:
                voice = self._build(name, edits, executor)
                self._voices.append((key, voice))
            if load:
                voice.load()
                if voice not in self._announced:
                    self._announced.append(voice)
                    self.registry.announce("voxstack_voice_loaded", voice=voice)
            return voice

    def _build(self, name: str, edits: Sequence[Edit], executor: Any) -> Voice:
        document, files = self.document(name, edits)
        addon, built, problems = self._checked(name, document, files, executor)
        if problems or addon is None:
            raise ConfigError(problems)
        if built is None:
            networks = ", ".join(f'"{n.qualified_name}"' for n in addon.networks.values())
            voices = f"voices: {', '.join(self.voices()) or 'none'}"
            what = f"it only provides networks for other addons ({networks})"
            raise InputError(f"{name!r} is not a voice: {what}; {voices}")
        self._check_settings(name, addon, built)
        check_buckets(name, built)
        controls = self._settings(name, document).controls
        return Voice(addon, built, controls, self.registry.announce)

    def _checked(
        self, name: str, document: Document, files: Files, executor: Any = None
    ) -> tuple[Addon | None, BuiltStack | None, list[Problem]]:
        """Return the addon of a document and its stack, as far as they can be made."""
        addon, problems = None, list[Problem]()
        try:
            addon = make_addon(document, files, self.library.format)
        except ConfigError as error:
            problems += error.problems
        if addon is not None and not addon.manifest.speaks:
            return addon, None, problems
        try:
            return addon, self._builder(name, addon, executor).build(document), problems
        except ConfigError as error:
            # The manifest's own problems mention a missing stack already.
            problems += [p for p in error.problems if addon is not None or p.pointer]
        return addon, None, problems

    def _check_settings(self, name: str, addon: Addon, built: BuiltStack) -> None:
        voice = self._voice_name(name, addon.document)
        check_settings(self.deployment, self._origin, voice, addon, built)

    def check(
        self, path: str | os.PathLike[str], edits: Iterable[Edit] = (), voice: str | None = None
    ) -> list[Problem]:
        """Return all problems of a configuration.

        It is an addon (its name, folder, zip or addon.json), or a stack alone, which is checked
        against the networks of ``voice`` if that is given.
        """
        name = str(path)
        try:
            if isinstance(path, str) and self.library.installed(name):
                document, files = self.document(name, edits)
            else:
                document, files = _read_configuration(Path(path))
                document = self._edited(document, edits, "")
        except ConfigError as error:
            return list(error.problems)
        if isinstance(document.value, list):
            value, text = {"stack": document.value}, document.text
            document = Document(value, document.name, text, document.edits, base="/stack")
        if not isinstance(document.value, dict):
            return [document.problem("", "expected an object with a stack, or a list of blocks")]
        if "networks" in document.value or "format" in document.value:
            addon, built, problems = self._checked(name, document, files)
        else:
            addon, built, problems = self._checked_stack(document, voice)
        if addon is not None and built is not None:
            try:
                self._check_settings(name, addon, built)
            except InputError as error:
                problems.append(Problem("", str(error)))
        return problems

    def _checked_stack(
        self, document: Document, voice: str | None
    ) -> tuple[Addon | None, BuiltStack | None, list[Problem]]:
        problems = problems_of(document, Invalids(schema_problems(document.value)))
        addon = None
        if voice is not None:
            try:
                addon = self.addon(voice)
                document.value.setdefault("frontend", addon.manifest.frontend)
            except ConfigError as error:
                problems += error.problems
        try:
            return addon, self._builder("", addon, None).build(document), problems
        except ConfigError as error:
            return addon, None, [*problems, *error.problems]

    # Executors ------------------------------------------------------------------------------

    def executor(self, config: Any) -> Executor:
        """Return an executor from its name, or ``{"type": ..., options}``; ConfigError if wrong."""
        return self._maker.make(config)

    def load_networks(self, name: str) -> list[HostedProgram]:
        """Load every network of an addon on the executor that a voice would run it on."""
        addon = self.addon(name)
        builder = self._builder(name, addon, None)
        programs = [builder.hosted(network) for network in addon.networks.values()]
        load_all(programs)
        return programs

    def _builder(self, name: str, addon: Addon | None, executor: Any) -> StackBuilder:
        preferences = Preferences(
            asked=executor if executor is not None else self._executor,
            asked_by=self._arguments.format("executor"),
            settings=self._settings(name, addon.document) if addon else VoiceSettings(),
            settings_from=self._origin,
            user=self._user.executor,
            user_from=str(user_file_path()) if self._user.executor is not None else "",
            recorded=addon.manifest.packed_with if addon else "",
        )
        placement = Placement(self.registry, self._maker, preferences)
        return StackBuilder(self.registry, self.library, self._maker, placement, self._cache, addon)


def _read_configuration(path: Path) -> tuple[Document, Files]:
    """Read an addon's folder or zip, or a JSON file and what lies beside it."""
    if path.is_dir() or path.suffix == ".zip":
        files = open_files(path)
        return read_document(files), files
    return parse_json(read_text(path), str(path)), FolderFiles(path.parent)
