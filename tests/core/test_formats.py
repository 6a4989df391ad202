"""Addons of each format that is read keep loading, and keep giving the audio that they gave."""

import json
import zipfile
from pathlib import Path

import attrs
import numpy as np
import pytest
from attrs import frozen
from voxstack import Component, Frontend, Host, Mark, Sentence, Symbols, hookimpl
from voxstack.addons import Manifest, make_addon, open_files, read_document
from voxstack.addons.manifest import FORMAT

HERE = Path(__file__).parent / "formats"
TEXT = "the quick brown fox. jumps over it."
ADDONS = sorted(p for p in HERE.glob("*/*") if p.suffix == ".zip" or (p / "addon.json").exists())
VOICES = [p for p in ADDONS if p.with_suffix(".npy").exists()]


@frozen
class Letters(Frontend):
    """A letter is a symbol; a full stop ends a sentence."""

    produces = ("ids",)

    symbols: Symbols

    def sentences(self, text):
        for number, sentence in enumerate("".join(text).split(".")):
            if sentence:
                said = sentence.strip() + "."
                ids = self.symbols.ids("letter", said)
                yield Sentence(said, {"ids": ids}, (Mark("sentence", str(number), 0),))


class Here:
    """A plugin that brings what the voices name."""

    @hookimpl
    def voxstack_frontends(self):
        return [Component("Letters", "letters_of_formats:Letters")]

    @hookimpl
    def voxstack_addons(self):
        return [Component("shared_vocoder", "shared_vocoder")]


@pytest.fixture
def host(monkeypatch):
    import sys
    import types

    pytest.importorskip("onnxruntime")
    pytest.importorskip("voxstack_standard")
    module = types.ModuleType("letters_of_formats")
    module.Letters = Letters
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.syspath_prepend(str(HERE / "1"))
    with Host(plugins=[Here()], executor="OnnxRuntime") as host:
        yield host


def manifest_of(addon):
    if addon.suffix == ".zip":
        return json.loads(zipfile.ZipFile(addon).read("addon.json"))
    return json.loads((addon / "addon.json").read_text("utf-8"))


def test_each_format_that_is_read_has_addons_and_voices():
    assert {manifest_of(p)["format"] for p in ADDONS} == {FORMAT}
    assert {p.parent.name for p in VOICES} == {str(FORMAT)}
    assert all(str(manifest_of(p)["format"]) == p.parent.name for p in ADDONS)


@pytest.mark.parametrize("addon", ADDONS, ids=lambda p: p.name)
def test_it_opens_and_its_files_are_whole(host, addon):
    files = open_files(addon)
    opened = make_addon(read_document(files), files, host.library.format)
    assert opened.networks
    assert all(opened.read(path) for path in opened.manifest.files)


@pytest.mark.parametrize("addon", VOICES, ids=lambda p: p.name)
@pytest.mark.parametrize("speaker", ["ann", "bob"])
def test_it_speaks_as_it_did_whole_and_streamed(host, addon, speaker):
    voice = host.voice(str(addon))
    kept = np.load(addon.with_suffix(".npy"))[["ann", "bob"].index(speaker)]
    whole = voice.synthesize(TEXT, speaker=speaker).samples
    chunks = voice.stream(TEXT, speaker=speaker, frames=(1, 5))
    streamed = np.concatenate([np.asarray(c["audio"])[0] for c in chunks])
    assert np.abs(kept).max() > 0.1
    for samples in (whole, streamed):
        assert samples.shape == kept.shape
        assert np.abs(samples - kept).max() <= 1e-5


def keys_of(cls, values, found):
    """Note which keys of the manifest's classes are written out."""
    for option in attrs.fields(attrs.resolve_types(cls)):
        if option.name in values:
            found.add(f"{cls.__name__}.{option.name}")
            for inner in classes_in(option.type):
                value = values[option.name]
                is_one = isinstance(value, dict) and not all(
                    isinstance(v, dict) for v in value.values()
                )
                for one in [value] if is_one else value.values():
                    keys_of(inner, one, found)


def classes_in(type_):
    if attrs.has(type_):
        yield type_
    for inner in getattr(type_, "__args__", ()):
        yield from classes_in(inner)


def all_keys(cls):
    for option in attrs.fields(attrs.resolve_types(cls)):
        yield f"{cls.__name__}.{option.name}"
        for inner in classes_in(option.type):
            yield from all_keys(inner)


def test_every_key_of_the_manifest_is_in_some_addon():
    """A new key needs an addon that has it: add one to tests/core/formats/make.py."""
    found: set[str] = set()
    for addon in ADDONS:
        keys_of(Manifest, manifest_of(addon), found)
    assert set(all_keys(Manifest)) - found == set()
    assert len(found) > 30
