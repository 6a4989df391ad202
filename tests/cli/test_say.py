"""``voxstack say``: text in, speech out, as it is made."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

FOX = "The quick brown fox jumps over the lazy dog."
STATS = {"audio_s", "ttfa_ms", "rtf", "chunks", "voice", "executor"}
PLAIN = ("say", FOX, "-o", "-")
posix = pytest.mark.skipif(os.name != "posix", reason="pipes and signals of POSIX")


def test_a_wav_is_whole_audible_and_as_long_as_the_stats_say(voxstack, home, read_wav):
    voxstack.good("say", FOX, "-o", "fox.wav", "--stats", "fox.json")
    samples, rate = read_wav(home / "fox.wav")
    stats = json.loads((home / "fox.json").read_text())
    assert rate == stats["sample_rate"] == 16000
    assert len(samples) / rate == pytest.approx(stats["audio_s"], abs=1e-4)
    assert 1.5 < stats["audio_s"] < 6
    assert np.sqrt(np.mean((samples / 32768.0) ** 2)) > 0.01
    assert sorted(p.name for p in home.iterdir()) == ["fox.json", "fox.wav"]


def test_stats_tell_what_was_run_and_what_it_took(voxstack, home):
    voxstack.good("say", FOX, "-o", "fox.wav", "--stats", "fox.json", "--speaker", "slt")
    stats = json.loads((home / "fox.json").read_text())
    assert set(stats) >= STATS
    assert (stats["voice"], stats["executor"]) == ("en-us", "OnnxRuntime")
    assert stats["controls"] == {"speaker": "slt"}
    assert stats["clipped_samples"] == 0
    assert stats["guards"] == []
    assert 0 < stats["rtf"] < 5
    assert stats["ttfa_ms"] > 0
    assert stats["chunks"] == stats["networks"]["vocoder"]["calls"] > 3


def test_raw_pcm_on_stdout_is_the_data_of_the_wav(voxstack, home, read_wav):
    voxstack.good("say", FOX, "-o", "fox.wav")
    assert voxstack.good("say", FOX, "-o", "-").raw == read_wav(home / "fox.wav")[0].tobytes()


def test_words_of_the_command_line_are_one_text(voxstack):
    assert (
        voxstack.good("say", *FOX.split(), "-o", "-").raw
        == voxstack.good("say", FOX, "-o", "-").raw
    )


def test_a_file_is_spoken_as_its_text_would_be(voxstack, home):
    (home / "page.txt").write_bytes(b"\xef\xbb\xbf" + FOX.encode())  # with a byte order mark
    spoken = voxstack.good("say", "-f", "page.txt", "-o", "-")
    assert spoken.raw == voxstack.good("say", FOX, "-o", "-").raw


def test_stdin_is_spoken_as_its_text_would_be(voxstack):
    spoken = voxstack.good("say", "-", "-o", "-", stdin=FOX.encode())
    assert spoken.raw == voxstack.good("say", FOX, "-o", "-").raw


@posix
def test_stdin_is_spoken_while_it_is_still_open(voxstack):
    import select

    process = voxstack.start("say", "-", "-o", "-", bufsize=0)
    process.stdin.write(b"The first line is here.\n")
    ready, _, _ = select.select([process.stdout], [], [], 30)
    assert ready, "nothing was spoken before the end of the input"
    assert len(process.stdout.read(1600)) == 1600
    process.stdin.write(b"The second line.\n")
    rest, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    assert len(rest) > 16000


@posix
def test_a_reader_that_goes_away_ends_it_quietly(voxstack, home):
    (home / "long.txt").write_text(FOX * 500)
    process = voxstack.start("say", "-f", "long.txt", "-o", "-", bufsize=0)
    assert len(process.stdout.read(3200)) == 3200
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    assert process.stderr.read() == b""


def test_the_speaker_is_heard(voxstack):
    rms, slt, default = (
        voxstack.good("say", FOX, "-o", "-", *speaker).raw
        for speaker in (["--speaker", "rms"], ["--speaker", "slt"], [])
    )
    assert rms == default != slt


def test_a_slower_rate_is_longer(voxstack):
    slow, plain, fast = (
        len(voxstack.good("say", FOX, "-o", "-", "--rate", rate).samples)
        for rate in ("0.5", "1", "2")
    )
    assert slow > 1.7 * plain > 1.7 * 1.4 * fast


PITCH = {"min": -12, "max": 12, "default": 0}


def test_the_pitch_is_moved_by_semitones_up_and_down(voxstack, rewrite):
    voice = rewrite(lambda manifest: manifest["controls"].update(pitch=PITCH))
    say = ("say", FOX, "--voice", voice, "-o", "-")
    plain, none, up, up_too, down = (
        voxstack.good(*say, *pitch).samples
        for pitch in ([], ["--pitch", "0"], ["--pitch", "+2"], ["--control", "pitch=2"],
                      ["--pitch", "-2"])
    )  # fmt: skip
    assert np.array_equal(plain, none)
    assert np.array_equal(up, up_too)
    assert len(plain) == len(up) == len(down)
    assert _pitch(down) < 0.95 * _pitch(plain) < 0.95**2 * _pitch(up)


def _pitch(samples):
    """Give the middle of the pitches, in Hz, that autocorrelation sees in 64 ms pieces."""
    pieces = samples[: len(samples) // 1024 * 1024].reshape(-1, 1024).astype(float)
    loud = [p for p in pieces if p.std() > 0.5 * samples.std()]
    lags = [np.argmax(np.correlate(p, p, "full")[1023 + 80 : 1023 + 230]) + 80 for p in loud]
    return 16000 / np.median(lags)


def test_a_guard_that_ended_speech_is_in_the_stats(voxstack, home, install):
    install(
        "acme-guard",
        {"effects.Guarded": "acme_guard:Guarded"},
        "from attrs import frozen\n"
        "from voxstack import Mark, StreamableBlock\n"
        "@frozen\n"
        "class Guarded(StreamableBlock):\n"
        "    def stream(self, sequence, upstream):\n"
        "        for chunk in upstream:\n"
        '            guard = Mark("guard", "stalled", chunk.start, (4, 9))\n'
        "            yield chunk.replace(marks=(guard,) if chunk.start == 0 else ())\n",
    )
    effect = '/stack/-={"type": "Guarded"}'
    voxstack.good("say", FOX, "-o", "fox.wav", "--stats", "fox.json", "--set", effect)
    stats = json.loads((home / "fox.json").read_text())
    assert stats["guards"] == [{"reason": "stalled", "at_s": 0.0, "span": [4, 9]}]


def test_a_control_is_the_option_of_its_name(voxstack):
    by_option = voxstack.good("say", FOX, "-o", "-", "--rate", "1.5", "--speaker", "slt")
    by_control = voxstack.good(
        "say", FOX, "-o", "-", "--control", "rate=1.5", "--control", "speaker=slt"
    )
    assert by_option.raw == by_control.raw


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(voxstack):
    first, again, other = (
        voxstack.good("say", FOX, "-o", "-", "--seed", seed).raw for seed in (7, 7, 8)
    )
    assert first == again != other
    assert len(first) == len(other)


def test_a_gain_that_is_set_behind_the_stack_scales_the_samples(voxstack):
    gain = '/stack/-={"type": "Gain", "db": -6}'
    plain = voxstack.good("say", FOX, "-o", "-").samples
    soft = voxstack.good("say", FOX, "-o", "-", "--set", gain).samples
    assert np.abs(soft - plain * 10 ** (-6 / 20)).max() <= 1


def test_samples_beyond_full_scale_are_clipped_and_counted(voxstack, home, read_wav):
    gain = '/stack/-={"type": "Gain", "db": 60}'
    said = voxstack("say", FOX, "-o", "loud.wav", "--stats", "loud.json", "--set", gain)
    samples, _ = read_wav(home / "loud.wav")
    clipped = json.loads((home / "loud.json").read_text())["clipped_samples"]
    assert said.code == 0
    assert f"{clipped} samples" in said.err and "clipped" in said.err
    assert np.count_nonzero(np.abs(samples.astype(int)) == 32767) >= clipped > 1000


def test_a_deployment_file_sets_voice_controls_and_stack(voxstack, home):
    (home / "site.toml").write_text(
        'voice = "en-us"\n[controls]\nspeaker = "slt"\n[voices.en-us.set]\n'
        '"/stack/-" = {type = "Gain", db = -20}\n'
    )
    deployed = voxstack.good("say", FOX, "-o", "-", "--deploy", "site.toml").samples
    plain = voxstack.good("say", FOX, "-o", "-", "--speaker", "slt").samples
    assert np.abs(deployed - plain / 10).max() <= 1


def test_the_command_line_has_the_last_word_over_the_deployment(voxstack, home):
    (home / "site.toml").write_text('[controls]\nspeaker = "slt"\n')
    chosen = voxstack.good("say", FOX, "-o", "-", "--deploy", "site.toml", "--speaker", "rms")
    assert chosen.raw == voxstack.good("say", FOX, "-o", "-").raw


def test_an_executor_is_chosen_by_name_or_with_its_options(voxstack):
    plain = voxstack.good("say", FOX, "-o", "-").samples
    for executor in ("OnnxRuntime", '{"type": "OnnxRuntime", "threads": 2}'):
        chosen = voxstack.good("say", FOX, "-o", "-", "--executor", executor).samples
        assert np.abs(chosen.astype(int) - plain).max() <= 2


def test_a_voice_is_spoken_from_its_folder(voxstack, addon):
    spoken = voxstack.good("say", FOX, "-o", "-", "--voice", addon)
    assert spoken.raw == voxstack.good("say", FOX, "-o", "-").raw


def test_a_voice_is_spoken_from_a_zip(voxstack, addon, tmp_path):
    import shutil

    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "voice")
    spoken = voxstack.good("say", FOX, "-o", "-", "--voice", packed)
    assert spoken.raw == voxstack.good("say", FOX, "-o", "-").raw


@posix
def test_a_progress_bar_of_a_long_text_is_on_the_terminal_and_not_in_the_audio(voxstack, home):
    import pty

    (home / "long.txt").write_text((FOX + " ") * 40)
    terminal, stderr = pty.openpty()
    process = voxstack.start(
        "say", "-f", "long.txt", "-o", "-", stderr=stderr, env={"TERM": "xterm", "COLUMNS": "80"}
    )
    spoken, _ = process.communicate(timeout=60)
    os.close(stderr)
    shown = os.read(terminal, 1 << 16).decode("utf-8", "replace")
    os.close(terminal)
    assert process.returncode == 0
    assert "speaking" in shown and "%" in shown
    assert spoken == voxstack.good("say", "-f", "long.txt", "-o", "-", "--no-progress").raw


# Playing ----------------------------------------------------------------------------------------


@pytest.fixture
def player(tmp_path):
    """Put an ``aplay`` on an otherwise empty PATH; ``player(code)`` gives the environment."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def put(code):
        (folder / "aplay").write_text(f"#!{sys.executable}\n{code}\n")
        (folder / "aplay").chmod(0o755)
        return {"PATH": str(folder)}

    return put


@posix
def test_without_an_output_it_is_played(voxstack, home, player):
    env = player(
        "import json, sys\n"
        "open('heard.pcm', 'wb').write(sys.stdin.buffer.read())\n"
        "json.dump(sys.argv[1:], open('asked.json', 'w'))"
    )
    voxstack.good("say", FOX, env=env)
    assert (home / "heard.pcm").read_bytes() == voxstack.good("say", FOX, "-o", "-").raw
    asked = json.loads((home / "asked.json").read_text())
    assert "S16_LE" in asked and "16000" in asked


@posix
def test_without_a_player_it_says_how_to_write_a_file(refused, tmp_path):
    refused("say", FOX, env={"PATH": str(tmp_path)}, says=("no player", "aplay", "-o FILE.wav"))


@posix
@pytest.mark.parametrize("text", [FOX, FOX * 200], ids=["short", "long"])
def test_what_a_failing_player_says_is_passed_on(refused, home, player, text):
    env = player("import sys\nsys.exit('aplay: audio open error: no such device')")
    (home / "text.txt").write_text(text)
    refused(
        "say", "-f", "text.txt", env=env, says=("aplay", "no such device", "write a file with -o")
    )


@posix
def test_two_at_once_into_one_file_leave_one_whole_file(voxstack, home, read_wav):
    both = [voxstack.start("say", FOX, "-o", "fox.wav", stdin=subprocess.DEVNULL) for _ in range(2)]
    assert [(p.communicate(timeout=60), p.returncode) for p in both] == [((b"", b""), 0)] * 2
    assert read_wav(home / "fox.wav")[0].tobytes() == voxstack.good("say", FOX, "-o", "-").raw
    assert [p.name for p in home.iterdir()] == ["fox.wav"]


def test_lines_without_a_full_stop_are_spoken_when_the_writer_pauses(voxstack):
    process = voxstack.start("say", "-", "-o", "-")
    process.stdin.write(b"a line of a log without an end\n")
    process.stdin.flush()
    assert len(process.stdout.read(3200)) == 3200  # and stdin is open still
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 0, err


def test_what_a_plugin_prints_does_not_get_into_the_audio(voxstack, install):
    code = (
        "from attrs import frozen\nfrom voxstack import StreamableBlock\nprint('hello')\n@frozen\n"
        "class Chatty(StreamableBlock):\n    def stream(self, sequence, upstream):\n"
        "        for chunk in upstream:\n            print('chunk')\n            yield chunk\n"
    )
    install("acme-chatty", {"effects.Chatty": "acme_chatty:Chatty"}, code)
    plain = voxstack("say", "Hi.", "-o", "-")
    chatty = voxstack("say", "Hi.", "-o", "-", "--set", '/stack/-={"type": "Chatty"}')
    assert chatty.raw == plain.raw
    assert "hello" in chatty.err and "chunk" in chatty.err


@posix
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_in_the_middle_of_loading_ends_it_when_that_is_done(
    voxstack, home, install, name, code
):
    executor = (
        "import os, signal\nfrom attrs import frozen\n"
        "from voxstack_onnxruntime import OnnxRuntime\n"
        "@frozen\nclass Struck(OnnxRuntime):\n    def load(self, network):\n"
        f"        if network.role == 'encoder':\n            os.kill(os.getpid(), signal.{name})\n"
        "        return super().load(network)\n"
    )
    install("acme-struck", {"executors.Struck": "acme_struck:Struck"}, executor)
    done = voxstack("say", FOX, "-o", "fox.wav", "--executor", "Struck")
    assert done.code == code, done.err
    assert done.err.strip() == ""
    assert list(home.iterdir()) == []


@posix
@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_log_lines_on_a_terminal_are_coloured_unless_that_is_not_wanted(
    voxstack, no_color, coloured
):
    import pty

    terminal, stderr = pty.openpty()
    env = {"NO_COLOR": no_color, "TERM": "xterm"}
    done = voxstack("--log", "info", "say", "Hi.", "-o", "x.wav", env=env, stderr=stderr)
    os.close(stderr)
    shown = os.read(terminal, 1 << 16)
    os.close(terminal)
    assert done.code == 0 and b"network loaded" in shown
    assert (b"\x1b[" in shown) is coloured


@posix
def test_a_signal_while_a_plugin_is_imported_says_on_a_terminal_what_is_waited_for(
    voxstack, install, interruptible
):
    import pty

    code = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"
    install("acme-slow", {"effects.Slow": "acme_slow:Slow"}, code)
    terminal, stderr = pty.openpty()
    edit = ("--set", '/stack/-={"type": "Slow"}')
    process = voxstack.start(
        "say", "Hi.", "-o", "x.wav", *edit, stderr=stderr, preexec_fn=interruptible
    )
    os.close(stderr)
    shown = b""
    while b"at once" not in shown:
        shown += os.read(terminal, 1000)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    os.close(terminal)
    assert b"stopping when the voice is loaded" in shown


@posix
def test_one_signal_ends_it_where_a_plugin_hangs(voxstack, home, install):
    code = "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nwhile True:\n    pass\n"
    install("acme-slow", {"effects.Slow": "acme_slow:Slow"}, code)
    done = voxstack("say", "Hi.", "-o", "x.wav", "--set", '/stack/-={"type": "Slow"}')
    assert done.code == 143 and list(home.iterdir()) == []


@pytest.mark.parametrize("level", [("--log", "info"), ("--log=info",)])
def test_the_level_of_the_log_may_stand_behind_the_command(voxstack, level):
    said = voxstack("say", "Hi.", "-o", "x.wav", *level)
    assert said.code == 0 and "network loaded" in said.err
    voxstack.good("say", "-o", "x.wav", "--", "--log")  # which is text, and logs nothing


def test_the_padding_of_fixed_shapes_is_in_the_stats(voxstack, home):
    static = ("--executor", "OnnxRuntimeStatic")
    voxstack.good("say", FOX, "-o", "fox.wav", "--stats", "fox.json", *static)
    networks = json.loads((home / "fox.json").read_text())["networks"]
    assert 0 < networks["text_encoder"]["padding_waste"] < 1
    assert 0 < networks["vocoder"]["padding_waste"] < 0.5  # the end of the last step


@posix
def test_a_writer_quicker_than_speech_waits_and_memory_stays_flat(voxstack):
    process = voxstack.start("say", "-", "-o", "-")
    lines = b"This is a sentence of the text that is said.\n" * 50
    taken = os.write(process.stdin.fileno(), lines)
    assert len(process.stdout.read(3200)) == 3200  # it speaks, and from now on nobody listens
    os.set_blocking(process.stdin.fileno(), False)
    refusals = 0
    while taken < 20_000_000 and refusals < 40:  # in a row: the pipe stays full
        try:
            taken += os.write(process.stdin.fileno(), lines)
            refusals = 0
        except BlockingIOError:
            refusals += 1
            time.sleep(0.05)
    assert taken < 2_000_000


def test_text_of_stdin_is_utf8_with_any_line_ends(voxstack):
    plain = voxstack("say", "-", "-o", "-", stdin="Café, naïve.\n\nTwo.\n".encode())
    windows = voxstack("say", "-", "-o", "-", stdin="\ufeffCafé, naïve.\r\n\r\nTwo.\r\n".encode())
    assert plain.code == windows.code == 0
    assert plain.raw == windows.raw != b""
