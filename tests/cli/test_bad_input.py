"""What bad input gets: one message that names the thing, the place and the next step."""

import os
import signal
import stat
import sys
import time
import zipfile
from pathlib import Path

import pytest

posix = pytest.mark.skipif(os.name != "posix", reason="files and signals of POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, /sys or /dev/full")
OUT = ("-o", "out.wav")
LINE = "The quick brown fox jumps over the lazy dog, and then it sleeps for a while. "
BOTH = [("-o", "-"), OUT]


# Text -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "nothing"),
        ("   \n\t ", "spaces"),
        ("... !? --- ,;", "signs"),
        ("Привет, мир!", "Cyrillic"),
        ("你好世界", "nothing to speak"),
        ("\x07\x1b\x08\x7f", "nothing to speak"),
        ("🙂🙂", "nothing to speak"),
    ],
    ids=["empty", "blank", "signs", "cyrillic", "chinese", "control", "emoji"],
)
def test_text_without_anything_to_say(refused, text, found):
    refused("say", text, *OUT, says=("nothing to speak", found, "English"))


def test_nothing_to_say_into_a_pipe(refused):
    refused("say", "", "-o", "-", says=("nothing to speak",))


def test_another_script_names_the_next_step(refused):
    refused("say", "Привет", *OUT, says=("Cyrillic", "voxstack voices"))


@posix
def test_bytes_that_are_no_text_alone(refused):
    refused("say", b"\xff\xfe", *OUT, says=("nothing to speak",))


@posix
def test_bytes_that_are_no_text_among_words_are_left_out(voxstack):
    plain = voxstack.good("say", "Good morning.", "-o", "-").raw
    said = voxstack("say", b"Good \xffmorning.", "-o", "-")
    assert said.code == 0
    assert "Traceback" not in said.err
    assert abs(len(said.raw) - len(plain)) < 0.2 * len(plain)


@pytest.mark.parametrize(
    "escaped", ["Good\x07 morning.", "Good \x1b[31mmorning.", "Good morning.\0"]
)
def test_control_characters_among_words_are_no_fault(voxstack, escaped):
    said = voxstack("say", "-", "-o", "-", stdin=escaped.encode())
    assert said.code == 0
    assert "Traceback" not in said.err
    assert "\x1b" not in said.err
    assert len(said.raw) > 16000


def test_words_of_another_script_among_ours_are_named_once(voxstack):
    said = voxstack("say", "Good мир morning.", "-o", "-")
    assert said.code == 0
    assert said.err.count("мир") == 1
    assert said.raw == voxstack.good("say", "Good morning.", "-o", "-").raw


def test_no_text_at_all_says_how_to_give_one(refused):
    refused("say", *OUT, says=("nothing to speak", "TEXT", "-f FILE", "stdin"))


def test_text_given_twice(refused, home):
    (home / "a.txt").write_text("Hi.")
    refused("say", "Hi.", "-f", "a.txt", *OUT, says=("-f FILE", "not both"))


def test_an_empty_stdin(refused):
    refused("say", "-", *OUT, says=("nothing to speak",), stdin=b"")


def test_a_file_that_is_not_there(refused):
    refused("say", "-f", "page.txt", *OUT, says=("cannot read page.txt", "No such file"))


def test_a_folder_as_a_file(refused, home):
    (home / "pages").mkdir()
    refused("say", "-f", "pages", *OUT, says=("cannot read pages", "folder"))


@pytest.mark.parametrize("before", ["", LINE * 60], ids=["at once", "after a while"])
def test_a_file_that_is_not_utf8(refused, home, before):
    (home / "latin.txt").write_bytes(before.encode() + "café au lait\n".encode("latin1"))
    refused("say", "-f", "latin.txt", *OUT, says=("latin.txt", "UTF-8", "iconv"))


@posix
@pytest.mark.parametrize("text", [LINE, "a"], ids=["sentences", "one word"])
def test_a_megabyte_of_text_is_spoken_at_once_in_flat_memory(voxstack, home, text):
    (home / "big.txt").write_text(text * (1_000_000 // len(text)))
    process = voxstack.start("say", "-f", "big.txt", "-o", "-")
    second = 32000  # bytes
    assert len(process.stdout.read(10 * second)) == 10 * second
    memory = resident_mb(process.pid)
    assert len(process.stdout.read(90 * second)) == 90 * second
    assert resident_mb(process.pid) - memory < 15
    process.stdout.close()
    assert (process.wait(timeout=30), process.stderr.read()) == (0, b"")


def resident_mb(pid):
    if sys.platform != "linux":
        return 0
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


# Places that cannot be written ------------------------------------------------------------------


def test_a_missing_folder(refused):
    refused(
        "say",
        "Hi.",
        "-o",
        "nope/out.wav",
        says=("cannot write nope/out.wav", "folder 'nope'; make it first"),
    )


def test_a_folder_in_place_of_a_file(refused, home):
    (home / "out.wav").mkdir()
    refused("say", "Hi.", *OUT, says=("cannot write out.wav", "it is a folder", "name a file"))


def test_another_format(refused):
    refused("say", "Hi.", "-o", "out.mp3", says=("out.mp3", "only WAV", "out.wav"))


@linux
def test_a_place_without_permission(refused):
    refused("say", "Hi.", "-o", "/sys/out.wav", says=("cannot write /sys/out.wav", "-o"))


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(refused, home):
    (home / "locked").mkdir(mode=0o555)
    refused("say", "Hi.", "-o", "locked/a.wav", says=("locked/a.wav", "Permission denied", "-o"))


def test_stats_that_cannot_be_written_are_refused_before_anything_is_spoken(refused):
    for output in BOTH:
        says = ("cannot write nope/s.json", "nope")
        refused("say", "Hi.", *output, "--stats", "nope/s.json", says=says)


@linux
def test_a_full_disk_by_name(refused):
    says = ("/dev/full", "No space left on device")
    refused("say", "Hi.", "-o", "/dev/full", says=says)


@linux
def test_a_full_disk_behind_stdout(voxstack):
    with Path("/dev/full").open("wb") as full:
        said = voxstack("say", "Hi.", "-o", "-", stdout=full)
    assert said.code == 2
    assert said.err.startswith("error: ") and said.err.count("error:") == 1
    assert "stdout" in said.err and "No space left on device" in said.err


@posix
def test_a_disk_that_is_full_in_the_middle_leaves_nothing(refused, home):
    import resource

    (home / "long.txt").write_text(LINE * 20)

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    refused(
        *("say", "-f", "long.txt", *OUT),
        says=("cannot write out.wav", "File too large", "-o"),
        preexec_fn=limited,
    )


@posix
def test_what_was_there_before_stays_when_a_write_fails(voxstack, home):
    (home / "out.wav").write_bytes(b"precious")
    assert voxstack("say", "...", *OUT).code == 2
    assert (home / "out.wav").read_bytes() == b"precious"


@posix
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_a_signal_in_the_middle_leaves_no_file(voxstack, home, interruptible, number, code):
    (home / "long.txt").write_text(LINE * 10_000)
    process = voxstack.start("say", "-f", "long.txt", *OUT, preexec_fn=interruptible)
    deadline = time.monotonic() + 30
    while not [p for p in home.glob(".*") if p.stat().st_size > 100_000]:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (code, b"")
    assert b"Traceback" not in err
    assert [p.name for p in home.iterdir()] == ["long.txt"]


# Names and values of the command line -----------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--voice", "en-uss"], ("'en-uss'", "did you mean 'en-us'")),
        (["--voice", "klingon"], ("'klingon'", "en-us")),
        (["--voice", "./nope"], ("nope", "no such folder or zip")),
        (["--speaker", "slp"], ("speaker 'slp'", "rms, slt", "did you mean 'slt'")),
        (["--rate", "9"], ("rate", "0.5 to 2", "9")),
        (["--rate", "0"], ("rate", "0.5 to 2")),
        (["--rate", "nan"], ("rate", "0.5 to 2")),
        (["--rate", "fast"], ("--rate", "'fast'")),
        (["--seed", "-1"], ("seed", "whole number", "-1")),
        (["--pitch", "abc"], ("--pitch", "'abc'")),
        (["--pitch-range", "abc"], ("--pitch-range", "'abc'")),
        (["--control", "volume=2"], ("'volume'", "speaker, rate")),
        (["--control", "rate"], ("--control", "'rate'", "NAME=VALUE")),
        (["--control", "rate=fast"], ("rate", "number", '"fast"')),
        (
            ["--executor", "OnxRuntime"],
            ("--executor", "'OnxRuntime'", "did you mean 'OnnxRuntime'"),
        ),
        (
            ["--executor", '{"type": "OnnxRuntime", "treads": 2}'],
            ("--executor", "'treads'", "did you mean 'threads'"),
        ),
        (
            ["--executor", '{"type": "OnnxRuntime", "threads": 0}'],
            ("--executor", "/threads: must be >= 1, not 0"),
        ),
        (["--executor", "[OnnxRuntime"], ("--executor: '[OnnxRuntime' is not valid JSON",)),
        (["--executor", "Batching"], ('write it out: {"type": "Batching", "executor": ...}',)),
        (["--executor", "Gain"], ("'Gain' of voxstack-standard is a block",)),
        (
            ["--set", "/stack/9/type=Gain"],
            (
                "--set /stack/9/type: ",
                'nothing at "/stack/9"',
            ),
        ),
        (["--set", '/stack/-={"type": "Gain", "db": 99}'], ("/stack/2/db: must be <= 60",)),
        (
            ["--executor", '{"type": "OnnxRuntime", "providers": ["CUDA"]}'],
            ("'CUDA'", "CPUExecutionProvider"),
        ),
        (
            ["--allow", "acme-*"],
            ("en-us", "not allowed by --allow (to use it, add"),
        ),
        (["--block", "voxstack-english"], ("'English'", "blocked", "'voxstack-english'")),
        (["--block", "voxstack-voice-*"], ("voice", "blocked", "'voxstack-voice-*'")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bad_option(refused, options, says):
    refused("say", "Hi.", *OUT, *options, says=says)


@pytest.mark.parametrize("option", ["rate", "pitch", "pitch-range"])
def test_a_control_that_the_voice_does_not_have(refused, rewrite, option):
    speaker = {"speaker": {"values": ["rms", "slt"]}}
    voice = rewrite(lambda manifest: manifest.update(controls=speaker))
    name = option.replace("-", "_")
    refused(
        *("say", "Hi.", "--voice", voice, "-o", "a.wav", f"--{option}", "1"),
        says=(f"the voice 'en-us' has no control {name!r}", "it has: speaker"),
    )


def test_a_control_that_is_given_twice(refused):
    refused(
        *("say", "Hi.", "-o", "a.wav", "--pitch-range", "1", "--control", "pitch_range=1"),
        says=("pitch_range is given twice, by --pitch-range and by --control",),
    )


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        ("stack", ("'stack'", "POINTER=VALUE")),
        ("stack=1", ("'stack'", "JSON pointer", "'/'")),
        ("/stack/9/type=Gain", ('"/stack/9"', "2 items")),
        ("/stack/0/sequense_block/type=X", ("sequense_block", "did you mean 'sequence_block'")),
        ("/stack/0/type/deep=1", ("/stack/0/type",)),
        ("/stack/0/sequence_block/type=Encodres", ("'Encodres'", "did you mean 'Encoders'")),
        ('/stack/-={"type": "Gain", "db": "-6"}', ("/stack/2/db", "a number", '"-6"')),
        ('/stack/-={"type": "Gain", "dB": -6}', ("/stack/2/dB", "unknown option", "'db'")),
        ("/stack/-=Gain", ("/stack/2", '"type"', '"Gain"')),
        ("/stack=[]", ("/stack", "empty")),
        ("/networks/decoder/delay=-1", ("/networks/decoder/delay", "0 to 100000 frames")),
        ("=1", ("pointer",)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_edit(refused, edit, says):
    refused("say", "Hi.", *OUT, "--set", edit, says=("--set", *says))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"voice = \n", ("site.toml:1", "not TOML")),
        (b"\xff", ("site.toml", "not UTF-8")),
        (b"excutor = 'OnnxRuntime'\n", ("site.toml", "'excutor'", "did you mean 'executor'")),
        (b"voice = 3\n", ("site.toml", "/voice", "a string", "3")),
        (b"[plugins]\nblok = []\n", ("site.toml", "/plugins/blok", "did you mean 'block'")),
        (b"voice = 'en-uk'\n", ("'en-uk'", "did you mean 'en-us'")),
        (b"executor = 'Cuda'\n", ("site.toml", "'Cuda'", "OnnxRuntime")),
        (b"[controls]\nrate = 9\n", ("site.toml", "rate", "0.5 to 2")),
        (b"[set]\n'/stack/9/type' = 'Gain'\n", ("site.toml", '"/stack/9"', "2 items")),
        (b"[set]\n'/stack/1/type' = 'Vocodr'\n", ("site.toml", "/stack/1/type", "'Vocoder'")),
    ],
    ids=lambda value: value.decode("latin1").strip() if isinstance(value, bytes) else "",
)
def test_a_bad_deployment_file(refused, home, text, says):
    (home / "site.toml").write_bytes(text)
    refused("say", "Hi.", *OUT, "--deploy", "site.toml", says=says)


def test_a_deployment_file_that_is_not_there(refused):
    refused("say", "Hi.", *OUT, "--deploy", "site.toml", says=("cannot read site.toml",))


# Damaged and unsafe addons ----------------------------------------------------------------------


def say_with(refused, addon, *says, code=2):
    return refused("say", "Hi.", *OUT, "--voice", addon, says=says, code=code)


def cut(addon, network="decoder"):
    """Cut a network's file short; gives its new bytes."""
    path = addon / "networks" / f"{network}.onnx"
    data = path.read_bytes()[: path.stat().st_size // 2]
    path.unlink()
    path.write_bytes(data)
    return data


def test_a_network_that_was_cut_short(refused, addon):
    cut(addon)
    says = ("networks/decoder.onnx", "bytes", "addon.json", "install the addon again")
    say_with(refused, addon, str(addon), *says)


def test_a_network_that_the_runtime_refuses_although_its_hash_is_right(refused, addon, rewrite):
    import hashlib

    path = addon / "networks" / "decoder.onnx"
    data = path.read_bytes().replace(b"Slice", b"Slyce")  # an operator that there is not
    path.unlink()
    path.write_bytes(data)
    entry = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    rewrite(lambda value: value["files"].update({"networks/decoder.onnx": entry}))
    says = ("OnnxRuntime", "en-us:decoder", "networks/decoder.onnx", str(addon))
    say_with(refused, addon, *says, code=1)


def test_a_network_with_the_wrong_hash(refused, addon, rewrite):
    rewrite(lambda v: v["files"]["networks/decoder.onnx"].update(sha256="0" * 64))
    says = ("networks/decoder.onnx", "sha256", "000000", "install the addon again")
    say_with(refused, addon, str(addon), *says)


def test_a_network_that_is_not_there(refused, addon):
    (addon / "networks" / "decoder.onnx").unlink()
    say_with(refused, addon, "networks/decoder.onnx", "No such file")


@posix
def test_a_link_out_of_a_folder(refused, addon, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (addon / "symbols.json").unlink()
    (addon / "symbols.json").symlink_to(secret)
    say_with(refused, addon, "symbols.json", "link that leads out of the addon")


def zipped(addon, target, extra=()):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(addon.rglob("*")):
            if path.is_file() and path.suffix != ".onnx":
                packed.write(path, path.relative_to(addon))
        for entry, data in extra:
            packed.writestr(entry, data)
    return target


@pytest.mark.parametrize("entry", ["../evil.txt", "a/../../evil.txt", "/evil.txt", "C:evil.txt"])
def test_a_zip_with_a_path_out_of_it(refused, addon, tmp_path, entry):
    packed = zipped(addon, tmp_path / "v.zip", [(entry, b"evil")])
    say_with(refused, packed, "v.zip", "unsafe path", entry)


def test_a_zip_with_a_link(refused, addon, tmp_path):
    link = zipfile.ZipInfo("card.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    packed = zipped(addon, tmp_path / "v.zip", [(link, b"/etc/passwd")])
    say_with(refused, packed, "v.zip", "card.txt", "link")


def test_a_zip_with_a_bomb_in_a_declared_file(refused, addon, tmp_path):
    (addon / "symbols.json").unlink()  # 702 bytes, says addon.json
    packed = zipped(addon, tmp_path / "v.zip", [("symbols.json", b" " * 50_000_000)])
    say_with(refused, packed, "v.zip", "symbols.json", "more than 100 times")


def test_a_zip_with_a_bomb_for_a_manifest(refused, addon, tmp_path):
    (addon / "addon.json").unlink()
    packed = zipped(addon, tmp_path / "v.zip", [("addon.json", b" " * 50_000_000)])
    say_with(refused, packed, "v.zip", "addon.json", "more than")


def test_a_zip_with_more_entries_than_an_addon_has(refused, addon, tmp_path):
    many = [(f"{i}.txt", b"") for i in range(5000)]
    say_with(refused, zipped(addon, tmp_path / "v.zip", many), "v.zip", "entries", "not an addon")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut short"], ids=["empty", "cut"])
def test_a_zip_that_is_none(refused, tmp_path, data):
    (tmp_path / "v.zip").write_bytes(data)
    say_with(refused, tmp_path / "v.zip", "v.zip", "cannot be read as a zip")


def test_a_folder_without_a_manifest(refused, tmp_path):
    (tmp_path / "bare").mkdir()
    say_with(refused, tmp_path / "bare", "bare", "addon.json", "No such file")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", ("addon.json:1:1", "not JSON")),
        (b'{"format": 1\n', ("addon.json:2:", "not JSON")),
        (b"[]", ("addon.json", "expected an object")),
        (b'{"format": NaN}', ("addon.json", "NaN")),
        (b"\xff\xfe{}", ("addon.json", "not UTF-8")),
        (b'{"format": 1, "format": 1}', ("addon.json:1:", "/format", "duplicate key")),
        (b'{"format": "1"}', ("/format", '"1"')),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, ("addon.json", "levels deep", "flatten")),
    ],
    ids=["empty", "cut", "list", "nan", "utf16", "twice", "text", "deep"],
)
def test_a_manifest_that_is_not_json(refused, addon, text, says):
    (addon / "addon.json").unlink()
    (addon / "addon.json").write_bytes(text)
    say_with(refused, addon, *says)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda v: v.pop("license"), ("'license' is missing", "add 'license'")),
        (lambda v: v.pop("stack"), ("'stack' is missing",)),
        (lambda v: v.pop("frontend"), ("'frontend' is missing",)),
        (lambda v: v.update(licence="x"), ("/licence", "'licence'", "did you mean 'license'")),
        (lambda v: v.update(format=2), ("format 2", "newer", "upgrade voxstack")),
        (lambda v: v.update(name=3), ("/name", "a string", "3")),
        (lambda v: v["audio"].update(hop=0), ("/audio", "hop must be 1")),
        (lambda v: v["networks"].pop("decoder"), ("stack/4", "role 'decoder'")),
        (lambda v: v.update(symbols="symbol.json"), ("/symbols", "did you mean 'symbols.json'")),
        (
            lambda v: v["networks"]["decoder"].update(context={"left": 1, "right": 1}),
            ("/networks/decoder", "context and state", "remove one"),
        ),
    ],
    ids=[
        *("no license", "no stack", "no frontend", "unknown field", "newer", "type", "hop"),
        *("no decoder", "no symbols", "context and state"),
    ],
)
def test_a_manifest_that_does_not_fit(refused, rewrite, change, says):
    say_with(refused, rewrite(change), "addon.json", *says)


def test_a_field_is_missing_once(refused, rewrite):
    said = say_with(refused, rewrite(lambda v: v.pop("stack")), "'stack'")
    assert said.err.count("is missing") == 1


# Stacks -----------------------------------------------------------------------------------------


def pipeline(value):
    return value["stack"][0]


def row(value):
    return pipeline(value)["streamable_block"]["stack"]


def in_a_circle(value):
    def encoder(wants, makes):
        spec = {"dtype": "float32", "shape": ["batch", "text"]}
        return {
            "role": "encoder",
            "files": {"onnx": "networks/prosody.onnx"},
            "inputs": {wants: spec},
            "outputs": {makes: spec},
        }

    value["networks"] |= {"egg": encoder("hen", "chick"), "bird": encoder("chick", "hen")}


STACKS = {
    "unknown type": (
        lambda v: v["stack"][1].update(type="Vocodre"),
        "/stack/1/type",
        ("'Vocodre'", "did you mean 'Vocoder'"),
    ),
    "another kind": (
        lambda v: v["stack"][1].update(type="OnnxRuntime"),
        "/stack/1/type",
        ("'OnnxRuntime'",),
    ),
    "dotted path": (
        lambda v: v["stack"][1].update(type="os.path:join"),
        "/stack/1/type",
        ("'os.path:join'",),
    ),
    "no type": (lambda v: v["stack"][1].pop("type"), "/stack/1", ('add "type"', "Vocoder")),
    "typo in an option": (
        lambda v: row(v)[0].update(minimun=1),
        "/stack/0/streamable_block/stack/0/minimun",
        ("unknown option 'minimun'", "did you mean 'minimum'"),
    ),
    "wrong option type": (
        lambda v: row(v)[0].update(minimum="1"),
        "/stack/0/streamable_block/stack/0/minimum",
        ("a whole number", '"1"'),
    ),
    "value out of range": (
        lambda v: row(v)[0].update(minimum=-1),
        "/stack/0/streamable_block/stack/0/minimum",
        (">= 0", "-1"),
    ),
    "bad schedule": (
        lambda v: v["stack"][1].update(schedule=[0]),
        "/stack/1/schedule",
        ("1 frame or more",),
    ),
    "unknown network": (
        lambda v: row(v)[-1].update(network="decodr"),
        "/stack/0/streamable_block/stack/4/network",
        ("'decodr'", "did you mean 'decoder'"),
    ),
    "network of no addon": (
        lambda v: v["stack"][1].update(network="universal:vocoder"),
        "/stack/1/network",
        ("universal",),
    ),
    "wrong order in the row": (
        lambda v: row(v).reverse(),
        "/stack/0/streamable_block/stack/0",
        ("needs", "nothing before it produces", "before this block"),
    ),
    "wrong order in the stack": (
        lambda v: v["stack"].reverse(),
        "/stack/0",
        ("needs 'mel'", "nothing before it produces", "before this block"),
    ),
    "no sequence block": (
        lambda v: pipeline(v).pop("sequence_block"),
        "/stack/0",
        ("'sequence_block' is missing",),
    ),
    "no streamable block": (
        lambda v: pipeline(v).pop("streamable_block"),
        "/stack/0",
        ("'streamable_block' is missing",),
    ),
    "two sequence blocks": (
        lambda v: pipeline(v).update(sequence_block=[{"type": "Encoders"}] * 2),
        "/stack/0/sequence_block",
        ('not [{"type": "Encoders"}',),
    ),
    "two streamable blocks": (
        lambda v: pipeline(v).update(streamable_block=[{"type": "Decoder"}] * 2),
        "/stack/0/streamable_block",
        ('not [{"type": "Decoder"}',),
    ),
    "blocks changed round": (
        lambda v: pipeline(v).update(
            sequence_block=pipeline(v)["streamable_block"],
            streamable_block=pipeline(v)["sequence_block"],
        ),
        "/stack/0/sequence_block/type",
        ("StreamableStack", "SequenceBlock"),
    ),
    "in a circle": (
        in_a_circle,
        "/stack/0/sequence_block",
        ("circle", "'egg' waits for 'hen'", "'bird' waits for 'chick'"),
    ),
    "a stack that is none": (lambda v: v.update(stack={}), "/stack", ("a list", "not {}")),
    "no block at all": (lambda v: v.update(stack=[]), "/stack", ("empty", "add a block")),
}


@pytest.mark.parametrize("name", STACKS)
def test_check_finds_what_is_wrong_in_a_stack(voxstack, rewrite, name):
    change, pointer, says = STACKS[name]
    addon = rewrite(change)
    result = voxstack("stack", "check", addon, "--json")
    assert (result.code, result.err) == (2, "")
    problems = [p for p in result.json["problems"] if p["pointer"] == pointer]
    assert problems, result.out
    told = f"{problems[0]['message']} {problems[0]['suggestion']}"
    assert [words for words in says if words not in told] == []
    assert problems[0]["line"] > 1 and problems[0]["column"] >= 1
    assert problems[0]["file"].endswith("addon.json")


@pytest.mark.parametrize("name", ["unknown type", "wrong order in the stack", "in a circle"])
def test_say_refuses_the_same_stack_with_the_same_words(refused, rewrite, name):
    change, pointer, says = STACKS[name]
    say_with(refused, rewrite(change), pointer, "addon.json:", *says)


def test_a_key_that_stands_twice_in_a_pipeline(voxstack, home):
    (home / "stack.json").write_text(
        '{"stack": [{"type": "StreamablePipeline",\n'
        '  "sequence_block": {"type": "Encoders"},\n'
        '  "sequence_block": {"type": "Encoders"},\n'
        '  "streamable_block": {"type": "Decoder"}}]}'
    )
    result = voxstack("stack", "check", "stack.json", "--json")
    (problem,) = result.json["problems"]
    assert result.code == 2
    assert problem["pointer"] == "/stack/0/sequence_block"
    assert problem["line"] in (2, 3)
    assert "duplicate key" in problem["message"] and "keep one" in problem["suggestion"]


def nested(depth):
    return '{"type": "StreamableStack", "stack": [' * depth + '{"type": "Gain"}' + "]}" * depth


@pytest.mark.parametrize("depth", [200, 10_000])
def test_nesting_without_end(voxstack, home, depth):
    (home / "stack.json").write_text(f'{{"stack": [{nested(depth)}]}}')
    result = voxstack("stack", "check", "stack.json", "--json")
    (problem,) = result.json["problems"]
    assert (result.code, result.err) == (2, "")
    assert "deep" in problem["message"] and "flatten" in problem["suggestion"]


@posix
@pytest.mark.parametrize("depth", [200, 2500])  # a word of a command line has 128 KB
def test_nesting_without_end_by_an_edit(refused, depth):
    edit = f"/stack/-={nested(depth)}"
    refused("say", "Hi.", *OUT, "--set", edit, says=("--set", "deep"))


def test_nesting_that_a_person_may_write_is_fine(voxstack, home):
    (home / "stack.json").write_text(f'{{"stack": [{nested(20)}]}}')
    assert voxstack.good("stack", "check", "stack.json", "--json").json == {"problems": []}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("3", "expected an object"),
        ("{}", "'stack' is missing"),
        ("", "not JSON"),
    ],
)
def test_a_file_that_is_no_stack(voxstack, home, text, says):
    (home / "stack.json").write_text(text)
    result = voxstack("stack", "check", "stack.json")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("stack.json") and says in result.err
    assert "Traceback" not in result.err


def test_a_stack_file_that_is_not_there(refused):
    refused("stack", "check", "nope.json", says=("nope.json", "No such file"))


# Plugins that break -----------------------------------------------------------------------------

EFFECT = """
from attrs import frozen
from voxstack import StreamableBlock

@frozen
class Odd(StreamableBlock):
    level: float = 1.0
"""
STREAM = """
    def stream(self, sequence, upstream):
"""
APPEND = ("--set", '/stack/-={"type": "Odd"}')


def say_with_odd(refused, *says, code=2):
    return refused("say", LINE, *OUT, *APPEND, says=says, code=code)


def test_a_plugin_that_raises_on_import(refused, install):
    install("acme-odd", {"effects.Odd": "acme_odd:Odd"}, "raise RuntimeError('no licence key')")
    say_with_odd(
        refused, "/stack/2/type", "'Odd'", "acme-odd 1.0", "RuntimeError", "no licence key"
    )


def test_a_plugin_that_leaves_the_program_on_import(refused, install):
    install("acme-odd", {"effects.Odd": "acme_odd:Odd"}, "import sys\nsys.exit(0)")
    say_with_odd(refused, "/stack/2/type", "acme-odd 1.0", "SystemExit")


def test_a_plugin_with_a_syntax_error(refused, install):
    install("acme-odd", {"effects.Odd": "acme_odd:Odd"}, "def")
    say_with_odd(refused, "/stack/2/type", "acme-odd 1.0", "SyntaxError", "acme_odd.py")


def test_a_plugin_whose_class_is_not_there(refused, install):
    install("acme-odd", {"effects.Odd": "acme_odd:Odd"}, "")
    say_with_odd(refused, "/stack/2/type", "acme-odd 1.0", "'Odd'", "AttributeError")


def test_a_plugin_whose_class_is_no_block(refused, install):
    install("acme-odd", {"effects.Odd": "acme_odd:Odd"}, "class Odd: pass")
    say_with_odd(refused, "/stack/2/type", "acme-odd 1.0", "does not extend", "StreamableBlock")


def test_a_plugin_that_is_not_decorated(refused, install):
    code = EFFECT.replace("@frozen\n", "") + STREAM + "        yield from upstream"
    install("acme-odd", {"effects.Odd": "acme_odd:Odd"}, code)
    say_with_odd(refused, "/stack/2/type", "acme-odd 1.0", "attrs", "frozen")


def test_a_plugin_that_raises_when_it_is_built(refused, install):
    code = EFFECT + "    def __attrs_post_init__(self):\n        raise OSError('no sound card')\n"
    install("acme-odd", {"effects.Odd": "acme_odd:Odd"}, code + STREAM + "        return upstream")
    say_with_odd(refused, "/stack/2", "no sound card")


def test_a_plugin_that_raises_when_it_loads_a_network(refused, install):
    code = (
        "from attrs import frozen\nfrom voxstack import Executor\n@frozen\n"
        "class Warp(Executor):\n    def load(self, network):\n"
        "        raise RuntimeError('driver too old')\n"
    )
    install("acme-warp", {"executors.Warp": "acme_warp:Warp"}, code)
    refused(
        *("say", "Hi.", *OUT, "--executor", "Warp"),
        says=("Warp", "cannot load the network", "en-us:", "RuntimeError", "driver too old"),
        code=1,
    )


def test_an_executor_that_is_not_available_says_why(refused, install):
    code = (
        "from attrs import frozen\nfrom voxstack import Executor\n@frozen\n"
        "class Warp(Executor):\n    @classmethod\n    def available(cls):\n"
        "        return 'no warp drive is installed: buy one'\n"
        "    def load(self, network):\n        raise AssertionError\n"
    )
    install("acme-warp", {"executors.Warp": "acme_warp:Warp"}, code)
    says = ("Warp", "no warp drive is installed", "buy one")
    refused("say", "Hi.", *OUT, "--executor", "Warp", says=says)


@pytest.mark.parametrize("output", BOTH, ids=["pcm", "wav"])
def test_a_plugin_that_raises_in_the_middle_of_a_stream(voxstack, install, home, output):
    code = STREAM + (
        "        for number, chunk in enumerate(upstream):\n"
        "            if number == 3:\n                raise ValueError('the wax melted')\n"
        "            yield chunk\n"
    )
    install("acme-odd", {"effects.Odd": "acme_odd:Odd"}, EFFECT + code)
    said = voxstack("say", LINE, *output, *APPEND)
    assert said.code == 1
    assert said.err.startswith("error: ") and said.err.count("\n") == 1
    assert "/stack/2: " in said.err
    for words in ("Odd", "ValueError", "the wax melted"):
        assert words in said.err
    assert list(home.iterdir()) == []


def test_a_traceback_is_shown_when_it_is_asked_for(voxstack, install, home):
    code = STREAM + "        raise ValueError('the wax melted')\n        yield\n"
    install("acme-odd", {"effects.Odd": "acme_odd:Odd"}, EFFECT + code)
    said = voxstack("say", LINE, *OUT, *APPEND, "--debug")
    assert said.code == 1
    assert "Traceback" in said.err and "acme_odd.py" in said.err
    assert list(home.iterdir()) == []


def test_a_traceback_changes_no_exit_code(voxstack):
    said = voxstack("--debug", "say", LINE, *OUT, "--set", '/stack/-={"type": "Gain", "db": "z"}')
    assert said.code == 2
    assert "Traceback" in said.err and said.err.splitlines()[-1].startswith("error: /stack/2/db")


def test_a_thread_that_a_plugin_leaves_keeps_no_command_alive(voxstack, install):
    code = "import threading\nthreading.Thread(target=threading.Event().wait).start()\n" + EFFECT
    install(
        "acme-odd", {"effects.Odd": "acme_odd:Odd"}, code + STREAM + "        yield from upstream\n"
    )
    assert "Odd" in voxstack.good("stack", "show", "en-us", *APPEND).out


def test_text_that_looks_like_an_option_is_told_where_it_goes(voxstack):
    said = voxstack("say", "-dash here", *OUT)
    assert said.code == 2
    assert "text that begins with a dash goes behind --" in said.err


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("        return None", ("/stack/2",)),
        ("        for chunk in upstream:\n            yield 3", ("/stack/2", "int", "Chunk")),
        (
            "        for chunk in upstream:\n            yield chunk.only('audoi')",
            ("/stack/2", "no tensor 'audoi'", "did you mean 'audio'"),
        ),
        (
            "        for chunk in upstream:\n            yield chunk.replace(audio=sequence['f0'])",
            ("/stack/2", "no tensor 'f0'", "sequence tensors"),
        ),
    ],
    ids=["no iterator", "no chunk", "no tensor", "no sequence tensor"],
)
def test_a_plugin_that_breaks_its_contract(refused, install, code, says):
    install("acme-odd", {"effects.Odd": "acme_odd:Odd"}, EFFECT + STREAM + code)
    say_with_odd(refused, *says, code=1)


@pytest.mark.parametrize("requires", ["voxstack (>=99)", "voxstack>=99,<100", "voxstack <0.0.1"])
def test_a_plugin_that_needs_another_voxstack(refused, install, requires):
    code = EFFECT + STREAM + "        yield from upstream"
    install("acme-odd", {"effects.Odd": "acme_odd:Odd"}, code, requires)
    import voxstack as library

    says = ("acme-odd 1.0", requires.split("(")[-1].removeprefix("voxstack").strip(" ()"))
    say_with_odd(refused, "/stack/2/type", *says, library.__version__, "install another version")


def test_a_module_with_hooks_that_breaks_is_named_where_a_name_is_missing(refused, install):
    install("acme-hooks", {".hooks": "acme_hooks"}, "1 / 0")
    say_with_odd(refused, "/stack/2/type", "'Odd'", "acme-hooks", "ZeroDivisionError")


def test_broken_plugins_that_nobody_names_hurt_nobody(voxstack, install):
    plain = voxstack.good("say", "Hi.", "-o", "-").raw
    install("acme-odd", {"effects.Odd": "acme_odd:Odd"}, "1 / 0")
    install("acme-hooks", {".hooks": "acme_hooks"}, "1 / 0")
    install("acme-voice", {"addons.acme": "acme_voice"}, "1 / 0")
    assert voxstack.good("say", "Hi.", "-o", "-", "--voice", "en-us").raw == plain


def test_an_observer_that_breaks_is_passed_over_and_named(voxstack, install):
    code = (
        "from voxstack import hookimpl\n@hookimpl\n"
        "def voxstack_utterance_ended(voice, report):\n    raise ValueError('no database')\n"
    )
    install("acme-meter", {"observers.meter": "acme_meter"}, code)
    said = voxstack("say", "Hi.", "-o", "-")
    assert said.code == 0
    assert "acme-meter" in said.err and "no database" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("words", [("Hi.", "--stats", "x.wav"), ("-f", "x.wav")])
def test_one_file_for_two_things_is_refused_and_kept(voxstack, home, words):
    (home / "x.wav").write_text("text")
    result = voxstack("say", *words, "-o", "x.wav")
    assert result.code == 2 and "name one file, x.wav; name two" in result.err
    assert (home / "x.wav").read_text() == "text"
