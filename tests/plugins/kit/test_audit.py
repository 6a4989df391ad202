"""What an addon is, holds and names, told without loading it."""

import os
import pickle
import shutil

import pytest
from voxstack.inspection import make_addon
from voxstack_kit.checking.audit import audit

NETWORK = "networks/decoder.txt"


def audited(host, name="tiny"):
    return audit(host, name, make_addon(*host.document(name), host.library.format))


@pytest.fixture
def look(tiny_host, tmp_path, write_addon):
    """Audit an addon in a folder: look(change, files, then), where ``then`` spoils the folder."""

    def make(change=lambda manifest: None, files=None, then=lambda folder: None):
        folder = tmp_path / "addon"
        write_addon(folder, change, **({} if files is None else {"files": files}))
        then(folder)
        return audited(tiny_host(), str(folder))

    return make


def test_every_file_is_told_by_its_content(look):
    found = look()
    told = {f.path: (f.content, f.listed, f.ok) for f in found.files}
    assert told[NETWORK] == ("text", True, True)
    assert found.problems == []


def test_all_bad_files_are_told_at_once(look):
    def spoil(folder):
        (folder / NETWORK).write_bytes(b"x")
        (folder / "networks" / "vocoder.txt").unlink()

    first, second = look(then=spoil).problems
    assert "has 1 bytes" in first
    assert "No such file" in second


@pytest.mark.parametrize(
    ("path", "data", "says"),
    [
        ("notes.bin", pickle.dumps([1]), "is a pickle"),
        ("setup.py", b"print(1)", "is code by its name"),
        ("lib.so", b"\x7fELF", "is a program for Linux"),
    ],
)
def test_a_listed_file_that_could_run_is_bad_even_if_nothing_reads_it(look, path, data, says):
    files = {path: data}
    found = look(lambda m: m.update(networks={}, stack=None, frontend=None), files)
    assert [says in problem for problem in found.problems] == [True]


def test_what_is_not_listed_is_told_by_its_first_bytes_and_a_pipe_is_not_opened(look):
    def more(folder):
        (folder / "extra.py").write_text("raise SystemExit")
        (folder / "notes").write_text("Hi.")
        (folder / "pickle.txt").write_bytes(pickle.dumps([1]))
        os.mkfifo(folder / "pipe")

    found = look(then=more)
    code = "code, not listed: never read; it runs if something else imports it"
    runs = "not listed: never read; a pickle runs code when it is opened"
    extra = {f.path: (f.content, f.note) for f in found.files if not f.listed}
    assert extra == {
        "extra.py": ("text", code),
        "notes": ("text", "not listed: never read"),
        "pickle.txt": ("a pickle", runs),
        "pipe": ("a device", "a device, not listed: never read"),
    }
    assert found.problems == []
    named = "pickle.txt (a pickle), extra.py (text), pipe (a device) and 1 more"
    assert f"not listed in addon.json, so no voice reads: {named}" in found.warnings


def test_what_lies_beside_an_addon_in_its_zip_is_told_too(tiny_host, tmp_path, write_addon):
    write_addon(tmp_path / "addon")
    (tmp_path / "addon" / "lib").write_bytes(b"\x7fELF" + bytes(10_000))
    zipped = shutil.make_archive(str(tmp_path / "voice"), "zip", tmp_path / "addon")
    found = audited(tiny_host(), zipped)
    assert found.files[-1].content == "a program for Linux"
    assert "lib (a program for Linux)" in " ".join(found.warnings)


def test_a_card_with_a_script_is_a_warning(look):
    def card(manifest):
        manifest.update(networks={}, stack=None, frontend=None, card="CARD.md")

    found = look(card, {"CARD.md": b"# Hi <script>alert(1)</script>"})
    assert "CARD.md: contains what a browser would run; read it as text" in found.warnings


def test_who_made_it_is_told_by_its_own_words(look):
    files = {"LICENSE": b"CC0"}

    def change(manifest):
        manifest.update(networks={}, stack=None, frontend=None, author="Ann", datasets=["a", "b"])
        manifest["homepage"] = "https://example.org/tiny"

    facts = look(change, files).identity()
    assert (facts["author"], facts["homepage"]) == ("Ann", "https://example.org/tiny")
    assert (facts["datasets"], facts["license_files"]) == (["a", "b"], ["LICENSE"])


def test_what_it_does_not_tell_is_a_warning(look):
    assert look().warnings == [
        'it does not state its author ("author")',
        "it lists no license file; it states the license 'CC0-1.0'",
    ]


def test_what_the_stack_names_is_told_with_its_package_and_what_is_missing(tiny_host):
    def change(manifest):
        manifest["stack"].append({"type": "Nowhere", "network": "other:net"})
        manifest["stack"][-1]["executor"] = ["Numpy", {"type": "Missing"}]

    parts = {(p.kind, p.name): p for p in audited(tiny_host(change)).parts}
    assert parts["block", "Encoders"].distribution == "voxstack"
    assert parts["frontend", "Plain"].pointer == "/frontend"
    assert "no block 'Nowhere' is installed" in parts["block", "Nowhere"].reason
    assert parts["addon", "other"].distribution is None
    assert parts["addon", "other"].pointer == "/stack/2/network"
    assert parts["executor", "Numpy"].reason is None
    assert parts["executor", "Missing"].pointer == "/stack/2/executor/1"


def test_an_installed_addon_tells_its_distribution_and_a_folder_has_none(tiny_host, look):
    found = audited(tiny_host())
    assert (found.origin.distribution, found.origin.version) == ("tiny-voice", "1.0")
    assert look().origin is None
