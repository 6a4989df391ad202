"""Addons: folders, zips and packages, opened safely."""

import json
import sys
import warnings
import zipfile

import pytest
from stubs import opened
from voxstack import AddonError, ConfigError
from voxstack.addons import open_files
from voxstack.addons.files import MAX_FILES, package_files

NETWORK = "networks/decoder.txt"


def zipped(folder, to, prefix=""):
    with zipfile.ZipFile(to, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, prefix + path.relative_to(folder).as_posix())
    return to


@pytest.fixture
def folder(tmp_path, write_addon):
    return write_addon(tmp_path / "addon")


def read(where, path=NETWORK):
    return opened(where).read(path)


def test_a_folder_is_opened(folder):
    assert read(folder) == (folder / NETWORK).read_bytes()


@pytest.mark.parametrize("prefix", ["", "tiny-1.0/"])
def test_a_zip_is_opened_at_its_root_or_in_the_one_folder_at_its_root(folder, tmp_path, prefix):
    archive = zipped(folder, tmp_path / "tiny.zip", prefix)
    assert read(archive) == (folder / NETWORK).read_bytes()


def test_a_package_is_located_and_not_imported(site, write_addon):
    package = site.folder / "voice_that_must_not_run"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    write_addon(package)
    assert opened(package_files("voice_that_must_not_run")).name == "tiny"
    assert "voice_that_must_not_run" not in sys.modules


def test_a_package_without_a_manifest_says_what_to_do(site):
    (site.folder / "empty_voice").mkdir()
    with pytest.raises(AddonError, match=r"'empty_voice' holds no addon.json; reinstall"):
        package_files("empty_voice")
    with pytest.raises(AddonError, match=r"'no_such_voice' holds no addon.json"):
        package_files("no_such_voice")


def test_what_is_not_there_is_an_error(tmp_path):
    with pytest.raises(AddonError, match="no such folder or zip"):
        open_files(tmp_path / "nothing")


def test_a_changed_file_is_refused(folder):
    data = (folder / NETWORK).read_bytes()
    (folder / NETWORK).write_bytes(b"#" + data[1:])
    with pytest.raises(AddonError, match=f"{NETWORK} has sha256 .* was changed: install"):
        read(folder)


def test_a_hash_in_capitals_is_the_same_hash(tmp_path, write_addon):
    def shout(manifest):
        entry = manifest["files"][NETWORK]
        entry["sha256"] = entry["sha256"].upper()

    assert read(write_addon(tmp_path / "x", shout))


def test_a_truncated_file_is_refused(folder):
    data = (folder / NETWORK).read_bytes()
    (folder / NETWORK).write_bytes(data[:-3])
    sizes = rf"{NETWORK} has {len(data) - 3} bytes, addon.json declares {len(data)}"
    with pytest.raises(AddonError, match=f"{sizes}; .*: install the addon again"):
        read(folder)


def test_a_longer_file_is_never_read_whole(folder):
    with (folder / NETWORK).open("ab") as file:
        file.write(b"#" * 100)
    with pytest.raises(AddonError, match=r"more than the .* bytes that were declared"):
        read(folder)


def test_a_file_that_the_manifest_does_not_list_is_not_read(folder):
    (folder / "extra.txt").write_text("x")
    with pytest.raises(AddonError, match=r"extra.txt is not among the files"):
        read(folder, "extra.txt")


def test_a_listed_file_that_is_missing_is_named(folder, tmp_path):
    (folder / NETWORK).unlink()
    archive = zipped(folder, tmp_path / "tiny.zip")
    with pytest.raises(AddonError, match=f"cannot read {NETWORK}.*: install the addon again"):
        read(folder)
    with pytest.raises(AddonError, match=f"it holds no {NETWORK}: install the addon again"):
        read(archive)


UNSAFE = [
    "../secret",
    "a/../../secret",
    "/etc/passwd",
    "C:/secret",
    "..\\secret",
    "\\\\server\\share",
    "networks/NUL",
    "con.onnx",
    "a/COM1.txt",
    "a./b",
    "b ",
    "a//b",
    "./a",
    "a:stream",
    "new\nline",
    "x" * 300,
    "",
]


@pytest.mark.parametrize("path", UNSAFE)
def test_a_path_that_leads_out_of_a_folder_is_refused(tmp_path, write_addon, path):
    (tmp_path / "secret").write_bytes(b"secret")

    def lead_out(manifest):
        manifest["files"][path] = manifest["files"][NETWORK]

    with pytest.raises(ConfigError, match=r"(?s)addon.json:\d+:\d+: /files/.*unsafe path"):
        opened(write_addon(tmp_path / "x", lead_out))
    with pytest.raises(AddonError, match="unsafe path"):
        open_files(tmp_path / "x").read(path, 100)


@pytest.mark.parametrize("path", UNSAFE[:-1])
def test_a_zip_with_an_entry_that_leads_out_is_refused_whole(folder, tmp_path, path):
    archive = zipped(folder, tmp_path / "tiny.zip")
    with zipfile.ZipFile(archive, "a") as zip_:
        info = zipfile.ZipInfo("x")
        info.filename = path
        zip_.writestr(info, b"x")
    with pytest.raises(AddonError, match="unsafe path"):
        open_files(archive)


def test_a_link_out_of_a_folder_is_refused(folder, tmp_path):
    data = (folder / NETWORK).read_bytes()
    (tmp_path / "outside").write_bytes(data)
    (folder / NETWORK).unlink()
    try:
        (folder / NETWORK).symlink_to(tmp_path / "outside")
    except OSError:
        pytest.skip("no links here")
    with pytest.raises(AddonError, match=f"{NETWORK} is a link that leads out of the addon"):
        read(folder)


def test_a_link_in_a_zip_is_refused(folder, tmp_path):
    archive = zipped(folder, tmp_path / "tiny.zip")
    link = zipfile.ZipInfo("networks/link.txt")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(archive, "a") as zip_:
        zip_.writestr(link, "/etc/passwd")
    with pytest.raises(AddonError, match=r"networks/link.txt is a link"):
        open_files(archive)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(folder, tmp_path):
    (folder / NETWORK).unlink()
    archive = zipped(folder, tmp_path / "bomb.zip")
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as zip_:
        zip_.writestr(NETWORK, bytes(50 << 20))
    with pytest.raises(
        AddonError, match=r"unpacks from \d+ to 52428800 bytes, more than 100 times"
    ):
        read(archive)


def test_no_more_of_a_zip_is_unpacked_than_the_manifest_declares(folder, tmp_path):
    (folder / NETWORK).unlink()
    archive = zipped(folder, tmp_path / "x.zip")
    with zipfile.ZipFile(archive, "a") as zip_:
        zip_.writestr(NETWORK, bytes(3 << 20))
    with pytest.raises(AddonError, match=r"more than the .* bytes that were declared"):
        read(archive)


def test_a_zip_whose_directory_lies_about_sizes_is_damaged(folder, tmp_path):
    (folder / NETWORK).unlink()
    archive = zipped(folder, tmp_path / "bomb.zip")
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as zip_:
        zip_.writestr(NETWORK, bytes(1 << 20))
        zip_.getinfo(NETWORK).file_size = 10  # what the directory will say
    with pytest.raises(AddonError, match=NETWORK):
        read(archive)


def test_a_manifest_that_is_a_bomb_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("addon.json", b" " * (5 << 20))
    with pytest.raises(AddonError, match=r"addon.json unpacks from .* more than 100 times"):
        opened(tmp_path / "bomb.zip")


def test_a_manifest_has_a_mebibyte_at_most(folder):
    with pytest.raises(AddonError, match=r"addon.json: more than the 1048576 bytes"):
        opened(manifest_bytes(folder, lambda data: data + b" " * (1 << 20)))


def test_a_zip_of_too_many_entries_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for index in range(MAX_FILES + 1):
            archive.writestr(f"f{index}", b"")
    with pytest.raises(AddonError, match="4097 entries, more than 4096"):
        open_files(tmp_path / "many.zip")


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x03\x04" + bytes(40)])
def test_what_is_not_a_zip_is_refused(tmp_path, data):
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(AddonError, match="cannot be read as a zip"):
        open_files(tmp_path / "x.zip")


def test_a_damaged_entry_is_an_addon_error(folder, tmp_path):
    archive = zipped(folder, tmp_path / "x.zip")
    data = bytearray(archive.read_bytes())
    start = data.index(b"lambda encodings")
    data[start : start + 4] = b"!!!!"
    archive.write_bytes(data)
    with pytest.raises(AddonError, match=f"{NETWORK} is damaged"):
        read(archive)


def test_a_truncated_zip_is_an_addon_error(folder, tmp_path):
    archive = zipped(folder, tmp_path / "x.zip")
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(AddonError, match="cannot be read as a zip"):
        open_files(archive)


def test_an_encrypted_zip_is_an_addon_error(folder, tmp_path):
    archive = zipped(folder, tmp_path / "x.zip")
    data = bytearray(archive.read_bytes())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # set the flag of encryption
        place = data.find(signature)
        while place >= 0:
            data[place + at] |= 1
            place = data.find(signature, place + 1)
    archive.write_bytes(data)
    with pytest.raises(AddonError, match=r"addon.json is encrypted"):
        opened(archive)


def test_an_unknown_compression_is_an_addon_error(folder, tmp_path):
    archive = zipped(folder, tmp_path / "x.zip")
    data = bytearray(archive.read_bytes())
    for signature, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = data.find(signature)
        while place >= 0:
            data[place + at] = 97
            place = data.find(signature, place + 1)
    archive.write_bytes(data)
    with pytest.raises(
        AddonError, match=r"addon.json is packed by method 97; an addon is stored or deflated"
    ):
        opened(archive)


def test_a_name_twice_in_a_zip_does_not_get_around_the_checks(folder, tmp_path):
    archive = zipped(folder, tmp_path / "x.zip")
    with warnings.catch_warnings(), zipfile.ZipFile(archive, "a") as zip_:
        warnings.simplefilter("ignore")
        zip_.writestr(NETWORK, b"lambda x: evil")
    with pytest.raises(AddonError, match=f"it holds {NETWORK} twice; pack it again"):
        open_files(archive)


# addon.json -------------------------------------------------------------------------------------


def manifest_bytes(folder, change):
    path = folder / "addon.json"
    path.write_bytes(change(path.read_bytes()))
    return folder


def test_a_byte_order_mark_is_skipped(folder):
    assert opened(manifest_bytes(folder, lambda data: b"\xef\xbb\xbf" + data)).name == "tiny"


def test_a_manifest_that_is_not_utf8_is_refused(folder):
    with pytest.raises(AddonError, match=r"addon.json: not UTF-8 text \(byte 3\)"):
        opened(manifest_bytes(folder, lambda data: b'{"a\xff":1}'))


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(AddonError, match=r"cannot read addon.json"):
        opened(tmp_path)


def test_a_zip_without_a_manifest_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("README", b"x")
    with pytest.raises(AddonError, match=r"it holds no addon.json"):
        opened(tmp_path / "x.zip")


def test_a_manifest_that_is_not_json_has_its_place(folder):
    with pytest.raises(ConfigError, match=r"addon.json:1:1: .*not JSON"):
        opened(manifest_bytes(folder, lambda data: b"format = 1"))


def test_a_manifest_that_is_not_an_object_is_refused(folder):
    with pytest.raises(ConfigError, match="expected an object with the addon's manifest"):
        opened(manifest_bytes(folder, lambda data: b"[]"))


def test_a_newer_format_says_to_upgrade_before_anything_else_is_judged(tmp_path, write_addon):
    def newer(manifest):
        manifest.clear()
        manifest.update({"format": 2, "something": "new"})

    with pytest.raises(ConfigError, match="format 2 is newer than this voxstack reads") as caught:
        opened(write_addon(tmp_path / "x", newer))
    (problem,) = caught.value.problems
    assert (problem.pointer, problem.suggestion) == ("/format", "upgrade voxstack")


@pytest.mark.parametrize("format_", ["1", 0, True, 1.0, None])
def test_a_format_that_is_not_a_version_is_a_problem_at_its_place(tmp_path, write_addon, format_):
    with pytest.raises(ConfigError) as caught:
        opened(write_addon(tmp_path / "x", lambda m: m.update(format=format_)))
    assert [p.pointer for p in caught.value.problems] == ["/format"]


# Symbols ----------------------------------------------------------------------------------------


@pytest.fixture
def with_symbols(tmp_path, write_addon):
    def make(data):
        path = tmp_path / "symbols"
        files = {"symbols.json": data}
        write_addon(path, lambda m: m.update(symbols="symbols.json", networks={}), files)
        return opened(path)

    return make


def test_symbols_give_ids(with_symbols):
    symbols = with_symbols(json.dumps({"phone": {"a": 1, "b": 2}}).encode()).symbols()
    assert symbols.ids("phone", ["b", "a"]).tolist() == [[2, 1]]


def test_a_symbol_that_the_voice_lacks_is_an_addon_error(with_symbols):
    symbols = with_symbols(b'{"phone": {"aah": 1}}').symbols()
    with pytest.raises(AddonError, match=r"no phone 'aax', which its frontend uses .*'aah'"):
        symbols.ids("phone", ["aax"])
    with pytest.raises(AddonError, match=r"no phone 'q', .*choose a frontend made for this voice"):
        symbols.ids("phone", ["q"])
    with pytest.raises(AddonError, match=r"no table 'fone'.*did you mean 'phone'"):
        symbols.ids("fone", ["aah"])


@pytest.mark.parametrize(
    "data", [b"[]", b'{"a": [1]}', b'{"a": {"b": "1"}}', b'{"a": {"b": true}}']
)
def test_symbols_of_another_shape_are_an_addon_error(with_symbols, data):
    with pytest.raises(AddonError, match="with whole numbers"):
        with_symbols(data).symbols()


def test_a_voice_without_symbols_has_empty_tables(folder):
    assert opened(folder).symbols().tables == {}
