"""What a hostile addon tries: to lead out, to fill the memory, to stop the host, to run code."""

import io
import json
import os
import pickle
import stat
import struct
import sys
import tracemalloc
import unicodedata
import warnings
import zipfile

import numpy as np
import pytest
from stubs import opened
from voxstack import AddonError, ConfigError
from voxstack.addons import open_files
from voxstack.addons.files import MAX_FILES, package_files

NETWORK = "networks/decoder.txt"


@pytest.fixture
def folder(tmp_path, write_addon):
    return write_addon(tmp_path / "addon")


@pytest.fixture
def archive(folder, tmp_path):
    """Pack the folder; ``more`` are entries to add: (name or ZipInfo, bytes)."""

    def pack(*more, compression=zipfile.ZIP_STORED):
        to = tmp_path / "addon.zip"
        with warnings.catch_warnings(), zipfile.ZipFile(to, "w", compression) as zip_:
            warnings.simplefilter("ignore")  # a name twice
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    zip_.write(path, path.relative_to(folder).as_posix())
            for name, data in more:
                zip_.writestr(name, data)
        return to

    return pack


def network_of(tmp_path, write_addon, data, format_="numpy"):
    """Open an addon whose decoder's file is ``data``, with the right hash."""

    def change(manifest):
        manifest["networks"] = {"decoder": manifest["networks"]["decoder"]}
        manifest["networks"]["decoder"]["files"] = {format_: NETWORK}

    write_addon(tmp_path / "x", change, {NETWORK: data})
    return opened(tmp_path / "x").networks["decoder"]


# Folders ----------------------------------------------------------------------------------------


def test_a_folder_within_that_is_a_link_out_is_refused(folder, tmp_path):
    (folder / "networks").rename(tmp_path / "elsewhere")
    (folder / "networks").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(AddonError, match=f"{NETWORK} is a link that leads out"):
        opened(folder).read(NETWORK)


def test_a_link_within_the_folder_is_followed(folder):
    (folder / NETWORK).rename(folder / "real.txt")
    (folder / NETWORK).symlink_to(folder / "real.txt")
    assert opened(folder).read(NETWORK)


def test_a_link_to_itself_is_an_addon_error(folder):
    (folder / NETWORK).unlink()
    (folder / NETWORK).symlink_to(folder / NETWORK)
    with pytest.raises(AddonError, match=NETWORK):
        opened(folder).read(NETWORK)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("path", [NETWORK, "addon.json"])
def test_a_pipe_is_refused_and_not_waited_for(folder, path):
    (folder / path).unlink()
    os.mkfifo(folder / path)
    with pytest.raises(AddonError, match="is a device or a pipe"):
        opened(folder).read(path)


def test_a_folder_in_place_of_a_file_is_an_addon_error(folder):
    (folder / NETWORK).unlink()
    (folder / NETWORK).mkdir()
    with pytest.raises(AddonError, match=NETWORK):
        opened(folder).read(NETWORK)


def test_a_package_within_a_package_is_not_located_for_that_imports_the_outer_one(site):
    (site.folder / "outer_voice" / "inner").mkdir(parents=True)
    (site.folder / "outer_voice" / "__init__.py").write_text("raise SystemExit('imported')")
    (site.folder / "outer_voice" / "inner" / "addon.json").write_text("{}")
    with pytest.raises(AddonError, match=r"holds no addon.json"):
        package_files("outer_voice.inner")
    site.install("acme", entry_points={"voxstack.addons": {"v": "outer_voice.inner"}})
    assert site.registry().candidates("v", "addon")[0].status == "broken"
    assert "outer_voice" not in sys.modules


# Zips -------------------------------------------------------------------------------------------


def test_two_names_that_are_one_file_on_some_systems_are_refused(archive):
    with pytest.raises(AddonError, match="are one file on some systems"):
        open_files(archive(("Networks/DECODER.txt", b"x")))


@pytest.mark.parametrize("twin", ["NETWORKS/decoder.txt", "networks/décoder", "networks/ß"])
def test_two_listed_paths_that_are_one_file_on_some_systems_are_refused(
    tmp_path, write_addon, twin
):
    other = {
        "NETWORKS/decoder.txt": NETWORK,
        "networks/décoder": unicodedata.normalize("NFD", "networks/décoder"),
        "networks/ß": "networks/SS",
    }[twin]

    def change(manifest):
        entry = manifest["files"][NETWORK]
        manifest["files"] |= {twin: entry, other: entry}

    with pytest.raises(ConfigError, match="are one file on some systems"):
        opened(write_addon(tmp_path / "x", change))


def test_a_name_with_a_nul_does_not_hide_behind_another(archive):
    packed = archive(("readmeXX", b"x"))
    packed.write_bytes(packed.read_bytes().replace(b"readmeXX", b"readme\0X"))
    with pytest.raises(AddonError, match="not the name of a file"):
        open_files(packed)


def test_something_before_a_zip_is_refused(archive):
    packed = archive()
    packed.write_bytes(b"MZ" + bytes(100) + packed.read_bytes())
    with pytest.raises(AddonError, match="something precedes them"):
        open_files(packed)


def test_something_behind_a_zip_is_refused(archive):
    packed = archive()
    packed.write_bytes(packed.read_bytes() + b"#!/bin/sh")
    with pytest.raises(AddonError, match="something follows its end"):
        open_files(packed)


def test_a_zip_with_a_comment_is_opened(archive):
    packed = archive()
    with zipfile.ZipFile(packed, "a") as zip_:
        zip_.comment = b"packed by a tool that says so"
    assert opened(packed).read(NETWORK)


def test_entries_that_share_their_bytes_are_refused(archive):
    """The bomb without nesting: many entries unpack the same few bytes."""
    packed = archive(("one", b"x" * 100), ("two", b"x" * 100))
    data = bytearray(packed.read_bytes())
    first = data.index(b"PK\1\2", data.index(b"PK\5\6") - 400)
    places = [i for i in range(first, len(data)) if data[i : i + 4] == b"PK\1\2"]
    data[places[-1] + 42 : places[-1] + 46] = data[places[-2] + 42 : places[-2] + 46]
    packed.write_bytes(data)
    with pytest.raises(AddonError, match="entries overlap"):
        open_files(packed)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unpacks_without_measure_is_refused_before_it_is_unpacked(archive, method):
    packed = archive(("bomb", bytes(60 << 20)), compression=method)
    tracemalloc.start()
    try:
        with pytest.raises(AddonError, match=f"packed by method {method}"):
            open_files(packed)
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


def test_a_bomb_takes_no_memory(archive):
    packed = archive(("bomb", bytes(60 << 20)), compression=zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    try:
        with pytest.raises(AddonError, match="more than 100 times"):
            open_files(packed)
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


def test_a_total_beyond_all_measure_is_refused(archive):
    """A directory that claims 2 GiB for each of five stored files."""
    packed = archive(*((f"big{n}", bytes(1)) for n in range(5)))
    data = bytearray(packed.read_bytes())
    for n in range(5):
        entry = data.rindex(f"big{n}".encode()) - 46
        data[entry + 20 : entry + 28] = struct.pack("<II", 2 << 30, 2 << 30)
    packed.write_bytes(data)
    with pytest.raises(AddonError, match=r"it unpacks to 10737[0-9]+ bytes, more than"):
        open_files(packed)


def test_a_zip64_is_refused_before_its_directory_is_read(archive):
    packed = archive()
    data = packed.read_bytes()
    end = data.rindex(b"PK\5\6")
    record = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 9**9, 9**9, 9**9, 0)
    locator = b"PK\6\7" + struct.pack("<IQI", 0, end, 1)
    packed.write_bytes(data[:end] + record + locator + data[end:])
    with pytest.raises(AddonError, match=r"zip64, for .* 65,535 files"):
        open_files(packed)


def test_a_directory_too_long_is_refused_before_it_is_read(archive):
    packed = archive()
    data = bytearray(packed.read_bytes())
    end = data.rindex(b"PK\5\6")
    data[end + 10 : end + 12] = struct.pack("<H", MAX_FILES + 1)
    packed.write_bytes(data)
    with pytest.raises(AddonError, match=f"{MAX_FILES + 1} entries, more than {MAX_FILES}"):
        open_files(packed)


def test_a_zip_that_is_cut_short_anywhere_is_an_addon_error(archive):
    packed = archive()
    data = packed.read_bytes()
    for size in range(0, len(data), 97):
        packed.write_bytes(data[:size])
        with pytest.raises(AddonError):
            open_files(packed)


def test_a_zip_made_on_a_mac_is_opened(archive):
    """Its folder stands beside __MACOSX."""
    inner = archive()
    with zipfile.ZipFile(inner) as packed, zipfile.ZipFile(inner.with_name("m.zip"), "w") as mac:
        for name in packed.namelist():
            mac.writestr(f"tiny/{name}", packed.read(name))
            mac.writestr(f"__MACOSX/tiny/._{name.rpartition('/')[2]}", b"x")
    assert opened(inner.with_name("m.zip")).read(NETWORK)


# addon.json and symbols -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"files": {}, "files": {}}', r"addon.json:1:11: /files: duplicate key"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "levels deep"),
        ("[" * 200_000 + "]" * 200_000, "levels deep"),
        ('{"format": ' + "9" * 5000 + "}", "not JSON"),
        ('{"format": 1, "x": Infinity}', "Infinity is not a JSON number"),
        ('{"format": 1, "x": NaN}', "NaN is not a JSON number"),
        ("{" + ",".join(f'"k{n}":0' for n in range(5000)) + "}", "and [0-9]+ more problems"),
    ],
)
def test_a_manifest_that_is_a_bomb_or_says_two_things_is_refused(folder, text, says):
    (folder / "addon.json").write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        opened(folder)
    assert len(str(caught.value)) < 200_000


@pytest.mark.parametrize(
    ("pointer", "value", "says"),
    [
        ("files/networks~decoder.txt/bytes", -1, "0 to 2147483648 bytes"),
        ("files/networks~decoder.txt/bytes", 10**15, "0 to 2147483648 bytes"),
        ("files/networks~decoder.txt/sha256", "00", "64 hexadecimal digits"),
        ("networks/decoder/context", {"left": 10**12, "right": 0}, "at most 100000 frames"),
        ("networks/vocoder/frame_ratio", 10**12, "1 to 100000"),
        ("networks/decoder/inputs/encodings/shape", ["batch", 10**12], "67108864 numbers"),
        ("networks/decoder/inputs/encodings/shape", ["batch", -1], "0 or more"),
        ("audio/hop", 10**12, "100000 samples"),
        ("audio/sample_rate", 10**12, "384000 Hz"),
        ("description", "\x1b]0;owned\x07", r"holds '\\x1b', which does more than print"),
        ("name", "safe\u202eecilam", "does more than print"),
        ("author", "x" * 5000, "longer than 2000 characters"),
        ("homepage", "javascript:alert(1)", "expected an address"),
        ("datasets", "one", "expected a list"),
    ],
)
def test_what_a_manifest_may_not_say_is_refused_at_its_place(
    tmp_path, write_addon, pointer, value, says
):
    def change(manifest):
        *path, last = pointer.split("/")
        for key in path:
            manifest = manifest[key.replace("~", "/")]
        manifest[last] = value

    with pytest.raises(ConfigError, match=says) as caught:
        opened(write_addon(tmp_path / "x", change))
    assert all(problem.line for problem in caught.value.problems)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": {"b": -1}}',
        b'{"a": {"b": 99999999999999999999999}}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": ' * 100_000,
        b"\x80\x04.",
    ],
)
def test_symbols_that_are_a_trap_are_refused(tmp_path, write_addon, data):
    change = {"symbols": "symbols.json", "networks": {}}
    write_addon(tmp_path / "x", lambda m: m.update(change), {"symbols.json": data})
    with pytest.raises((AddonError, ConfigError), match=r"symbols.json"):
        opened(tmp_path / "x").symbols()


def test_a_text_beyond_its_limit_is_not_read(tmp_path, write_addon):
    def change(manifest):
        manifest["card"] = NETWORK
        manifest["files"][NETWORK]["bytes"] = 1 << 30

    with pytest.raises(AddonError, match="more than the 4194304 of a text"):
        opened(write_addon(tmp_path / "x", change)).read_text(NETWORK)


def test_the_bytes_that_were_hashed_are_the_bytes_that_are_used(folder):
    """A file that is exchanged after it was checked is checked again, or never read again."""
    addon = opened(folder)
    addon.read(NETWORK)
    (folder / NETWORK).write_bytes(bytes((folder / NETWORK).stat().st_size))
    with pytest.raises(AddonError, match="was changed"):
        addon.networks["decoder"].read("numpy")


# What reaches an executor -----------------------------------------------------------------------


class Evil:
    def __reduce__(self):
        return (print, ("it ran",))


def torch_saved():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as zip_:
        zip_.writestr("archive/data.pkl", pickle.dumps(Evil()))
        zip_.writestr("archive/data/0", bytes(9000))
    return made.getvalue()


def numpy_objects():
    made = io.BytesIO()
    np.save(made, np.array([Evil()], dtype=object), allow_pickle=True)
    return made.getvalue()


RUNS = {
    **{f"pickle {n}": lambda n=n: pickle.dumps(Evil(), protocol=n) for n in (0, 2, 3, 4, 5)},
    "torch.save": torch_saved,
    "numpy objects": numpy_objects,
    "elf": lambda: b"\x7fELF\2\1\1" + bytes(100),
    "exe": lambda: b"MZ\x90\0" + bytes(100),
    "macho": lambda: b"\xcf\xfa\xed\xfe" + bytes(100),
    "wasm": lambda: b"\0asm\1\0\0\0",
    "script": lambda: b"#!/bin/sh\ntrue\n",
}


@pytest.mark.parametrize("kind", RUNS)
def test_what_its_format_refuses_never_reaches_an_executor(tmp_path, write_addon, kind, capsys):
    network = network_of(tmp_path, write_addon, RUNS[kind]())
    with pytest.raises(AddonError, match=r"networks/decoder.txt: it is not a lambda expression"):
        network.read("numpy")
    assert capsys.readouterr().out == ""


def test_no_link_and_no_device_is_made_of_what_a_zip_says(archive):
    device = zipfile.ZipInfo("networks/tty")
    device.create_system, device.external_attr = 3, (stat.S_IFCHR | 0o666) << 16
    addon = opened(archive((device, b"x")))
    with pytest.raises(AddonError, match="not among the files"):
        addon.read("networks/tty")


def test_a_manifest_of_many_speakers_is_not_a_bomb(tmp_path, write_addon):
    def change(manifest):
        manifest["controls"]["speaker"]["values"] = [f"speaker_{n}" for n in range(20_000)]

    folder = write_addon(tmp_path / "x", change)
    assert len(opened(folder).manifest.controls["speaker"].values) == 20_000
    assert json.loads((folder / "addon.json").read_text())["name"] == "tiny"
