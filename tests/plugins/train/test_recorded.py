"""Recorded corpora: LJSpeech and VCTK, aligned by TextGrid or CTM, good and bad."""

import shutil

import numpy as np
import pytest
import soundfile
from voxstack_train.corpus.recorded import Recorded, import_recorded, size_of
from voxstack_train.corpus.sentences import INPUTS, NAMES, SYMBOLS, rows_of, sentences_of
from voxstack_train.corpus.utterances import Corpus
from voxstack_train.errors import TrainError
from voxstack_train.features.shards import read, shard

POSITIONS = list(SYMBOLS["word_position"])
# "The cat sat.", 1.2 s, as the Montreal Forced Aligner says it.
WORDS = [(0, 0.2, ""), (0.2, 0.35, "the"), (0.35, 0.65, "cat"), (0.65, 1.0, "sat"), (1.0, 1.2, "")]
PHONES = [
    *((0, 0.2, ""), (0.2, 0.25, "DH"), (0.25, 0.35, "AH0"), (0.35, 0.45, "K"), (0.45, 0.58, "AE1")),
    *((0.58, 0.65, "T"), (0.65, 0.75, "S"), (0.75, 0.9, "AE1"), (0.9, 1.0, "T"), (1.0, 1.2, "")),
]


def textgrid(**tiers):
    """Write a TextGrid as the aligner does."""
    end = max(interval[1] for tier in tiers.values() for interval in tier)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0"]
    lines += [f"xmax = {end}", "tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, intervals) in enumerate(tiers.items(), 1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier"']
        lines += [f'        name = "{name}"', "        xmin = 0", f"        xmax = {end}"]
        lines += [f"        intervals: size = {len(intervals)}"]
        for place, (start, stop, label) in enumerate(intervals, 1):
            lines += [f"        intervals [{place}]:", f"            xmin = {start}"]
            lines += [f"            xmax = {stop}", f'            text = "{label}"']
    return "\n".join(lines) + "\n"


def vowel(seconds=1.2, rate=16000, hertz=120, peak=0.5):
    """A synthetic vowel: harmonics that fall."""
    times = np.arange(int(seconds * rate)) / rate
    sound = sum(np.sin(2 * np.pi * hertz * n * times) / n for n in range(1, 20))
    return peak * sound / np.abs(sound).max()


class LJSpeech:
    """Three utterances in that layout, whole; a test breaks one."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "wavs").mkdir(parents=True)
        (folder / "aligned").mkdir()
        for id_ in "abc":
            soundfile.write(self.wav(id_), vowel(), 16000)
            self.align(id_)
        self.lines = [f"{id_}|The cat sat.|The cat sat." for id_ in "abc"]

    def wav(self, id_):
        return self.folder / "wavs" / f"{id_}.wav"

    def align(self, id_, words=WORDS, phones=PHONES):
        grid = self.folder / "aligned" / f"{id_}.TextGrid"
        grid.write_text(textgrid(words=words, phones=phones), "utf-8")
        return grid

    def taken(self, alignments="aligned", **options):
        listing = self.folder / "metadata.csv"
        lines = [x if isinstance(x, bytes) else x.encode() for x in self.lines]
        listing.write_bytes(b"\n".join(lines) + b"\n")
        layout = Recorded("ljspeech", self.folder, self.folder / alignments, **options)
        return import_recorded(layout, self.corpus.folder)

    @property
    def corpus(self):
        return Corpus(self.folder / "corpus" / "me")


@pytest.fixture
def lj(tmp_path):
    return LJSpeech(tmp_path)


def only_b_is_left_out(lj, *words, **options):
    """Check that `b` is left out with a reason that has all words, and that the rest is kept."""
    taken = lj.taken(**options)
    assert (taken.added, [entry.id for entry in taken.left_out]) == (2, ["b"])
    assert [u.id for u in lj.corpus] == ["a", "c"]
    for word in words:
        assert str(word) in str(taken.left_out[0])


# What is made -----------------------------------------------------------------------------------


def test_a_recording_becomes_the_rows_that_the_frontend_makes_of_its_text(lj):
    taken = lj.taken()
    assert (taken.added, taken.kept, taken.left_out, taken.questionable) == (3, 0, (), ())
    utterance = next(iter(lj.corpus))
    assert (utterance.text, utterance.f0, utterance.voicing) == ("The cat sat.", None, True)
    assert np.array_equal(utterance.rows, rows_of(sentences_of("The cat sat.")[0]))
    assert utterance.ends == [0.2, 0.25, 0.35, 0.45, 0.58, 0.65, 0.75, 0.9, 1.0, 1.2]
    audio, rate = soundfile.read(lj.corpus.wav("a"))
    assert rate == 16000 and np.abs(audio - vowel()).max() < 1e-4


def test_an_inner_silence_is_a_pause_and_a_very_short_one_is_not(lj):
    phones = [*PHONES[:5], (0.58, 0.62, "T"), (0.62, 0.66, "sp"), (0.66, 0.73, "S")]
    phones += [(0.73, 0.75, "sil"), *PHONES[7:]]
    words = [*WORDS[:2], (0.35, 0.62, "cat"), (0.66, 1.0, "sat"), WORDS[4]]
    lj.align("a", words, phones)
    lj.taken()
    utterance = next(iter(lj.corpus))
    names = [NAMES[i] for i in utterance.rows[0]]
    assert " ".join(names) == "<start> dh ax k ae t pau s ae t <end>"
    assert utterance.ends[5:9] == [0.62, 0.66, 0.75, 0.9]
    assert utterance.rows[INPUTS.index("word_position")][6] == POSITIONS.index("none")


def test_a_recording_without_silence_at_its_edges_is_given_some(lj):
    words = [(0, 0.6, "cat"), (0.6, 1.2, "sat")]
    phones = [(0, 0.2, "K"), (0.2, 0.4, "AE1"), (0.4, 0.6, "T")]
    lj.align("a", words, [*phones, *((a + 0.6, b + 0.6, x) for a, b, x in phones)])
    lj.lines[0] = "a|Cat cat?"
    lj.taken()
    utterance = next(iter(lj.corpus))
    audio, _ = soundfile.read(lj.corpus.wav("a"))
    assert (utterance.ends[0], utterance.ends[-2:]) == (0.05, [1.25, 1.3])
    assert utterance.question == 1
    assert len(audio) == 1.3 * 16000 and not audio[:800].any() and not audio[-800:].any()


def test_only_the_main_stress_counts_and_function_words_are_marked(lj):
    phones = [(a, b, {"AE1": "AE2"}.get(x, x)) if a > 0.7 else (a, b, x) for a, b, x in PHONES]
    lj.align("a", phones=phones)
    lj.taken()
    rows = next(iter(lj.corpus)).rows
    assert rows[INPUTS.index("stress")] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert rows[INPUTS.index("function_word")] == [0, 1, 1, 0, 0, 0, 0, 0, 0, 0]


def test_audio_of_a_higher_rate_is_resampled_if_the_recipe_says_so(lj):
    pytest.importorskip("soxr")
    soundfile.write(lj.wav("b"), vowel(rate=22050), 22050)
    assert lj.taken(resample=True).added == 3
    audio, rate = soundfile.read(lj.corpus.wav("b"))
    assert rate == 16000 and len(audio) == 1.2 * 16000
    assert np.abs(audio - vowel())[1600:-1600].max() < 0.02  # its highest harmonics are kept


# VCTK -------------------------------------------------------------------------------------------


class VCTK:
    def __init__(self, folder, audio="wav48_silence_trimmed", ending="_mic1.flac"):
        self.folder = folder
        for speaker in ("p225", "p226"):
            (folder / "txt" / speaker).mkdir(parents=True)
            (folder / audio / speaker).mkdir(parents=True)
            (folder / "aligned" / speaker).mkdir(parents=True)
            for number in range(1, 4):
                id_ = f"{speaker}_{number:03d}"
                (folder / "txt" / speaker / f"{id_}.txt").write_text("The cat sat.\n")
                soundfile.write(folder / audio / speaker / f"{id_}{ending}", vowel(), 16000)
                grid = textgrid(**{f"{speaker} - words": WORDS, f"{speaker} - phones": PHONES})
                (folder / "aligned" / speaker / f"{id_}.TextGrid").write_text(grid)

    def taken(self, speaker="p225", alignments="aligned", **options):
        layout = Recorded("vctk", self.folder, self.folder / alignments, speaker=speaker, **options)
        return import_recorded(layout, self.folder / "corpus")


@pytest.mark.parametrize(
    ("audio", "ending"),
    [("wav48_silence_trimmed", "_mic1.flac"), ("wav48", ".wav"), ("wav16", "_mic2.flac")],
)
def test_one_speaker_of_vctk_is_taken_in_each_of_its_layouts(tmp_path, audio, ending):
    assert VCTK(tmp_path, audio, ending).taken().added == 3
    assert [u.id for u in Corpus(tmp_path / "corpus")] == ["p225_001", "p225_002", "p225_003"]


def test_vctk_texts_without_audio_and_audio_without_text_are_named(tmp_path):
    vctk = VCTK(tmp_path)
    (tmp_path / "txt/p225/p225_001.txt").unlink()
    (tmp_path / "wav48_silence_trimmed/p225/p225_002_mic1.flac").unlink()
    first, second = vctk.taken().left_out
    assert "p225_001.txt: missing" in str(first)
    assert "p225_002.txt: no audio in " in str(second)


def test_an_unknown_speaker_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(TrainError, match=r": no .*p999; its speakers are p225, p226"):
        VCTK(tmp_path).taken("p999")


def test_a_second_microphone_is_not_mixed_in(tmp_path):
    vctk = VCTK(tmp_path)
    folder = tmp_path / "wav48_silence_trimmed" / "p225"
    shutil.move(folder / "p225_002_mic1.flac", folder / "p225_002_mic2.flac")
    assert [entry.id for entry in vctk.taken().left_out] == ["p225_002"]


# Bad input: `b` in the middle is left out, with file and line -----------------------------------


def test_audio_of_another_rate_is_named_with_both_rates_and_what_to_set(lj):
    soundfile.write(lj.wav("b"), vowel(rate=22050), 22050)
    only_b_is_left_out(lj, lj.wav("b"), "22050 Hz", "expected 16000 Hz", "resample = true")


def test_audio_of_a_lower_rate_is_refused_even_where_resampling_is_allowed(lj):
    pytest.importorskip("soxr")
    soundfile.write(lj.wav("b"), vowel(rate=8000), 8000)
    only_b_is_left_out(lj, "8000 Hz", "16000 Hz or more", resample=True)


@pytest.mark.parametrize(
    ("audio", "reason"),
    [
        (np.zeros((19200, 2)), "2 channels"),
        (np.zeros(19200), "silent"),
        (np.zeros(0), "has no samples"),
    ],
)
def test_audio_that_is_stereo_silent_or_empty_is_left_out(lj, audio, reason):
    soundfile.write(lj.wav("b"), audio, 16000)
    only_b_is_left_out(lj, lj.wav("b"), reason)


def test_a_file_that_is_not_audio_is_left_out(lj):
    lj.wav("b").write_bytes(b"")
    only_b_is_left_out(lj, lj.wav("b"), "cannot read")


def test_clipped_audio_is_used_and_reported(lj):
    soundfile.write(lj.wav("b"), np.clip(vowel(peak=3), -1, 1), 16000)
    taken = lj.taken()
    assert taken.added == 3 and "b.wav" in taken.questionable[0]
    assert "clipped" in taken.questionable[0]


def test_one_word_of_text_for_a_minute_of_audio_is_left_out(lj):
    soundfile.write(lj.wav("b"), vowel(60), 16000)
    only_b_is_left_out(lj, "ends with 59.0 s without an aligned phone", "do not match")


def test_one_word_stretched_over_a_minute_is_left_out(lj):
    soundfile.write(lj.wav("b"), vowel(60), 16000)
    phones = [(0.2, 0.3, "DH"), (0.3, 59, "AH0"), (59, 60, "sil")]
    grid = lj.align("b", [(0.2, 59, "the")], phones)
    lj.lines[1] = "b|The.|The."
    line = grid.read_text().splitlines().index('            text = "AH0"') + 1
    only_b_is_left_out(lj, f"{grid}:{line}: the phone 'AH0' at 0.30 s lasts 58.7 s")


def test_a_text_of_one_word_for_many_that_are_aligned_is_left_out(lj):
    words = [(0.2 + i / 10, 0.3 + i / 10, "a") for i in range(8)]
    lj.align("b", words, [(start, end, "AH0") for start, end, _ in words])
    lj.lines[1] = "b|Yes.|Yes."
    only_b_is_left_out(lj, "8 words are aligned, but the text has 1: 'Yes.'")


@pytest.mark.parametrize("phone", ["ɑ", "AXR", "<start>", "pad"])
def test_an_unknown_phone_is_named_with_file_line_and_time(lj, phone):
    grid = lj.align("b", phones=[*PHONES[:4], (0.45, 0.58, phone), *PHONES[5:]])
    line = grid.read_text("utf-8").splitlines().index(f'            text = "{phone}"') + 1
    only_b_is_left_out(lj, f"{grid}:{line}: the phone {phone!r} at 0.45 s")


def test_a_vowel_without_stress_is_left_out(lj):
    lj.align("b", phones=[*PHONES[:4], (0.45, 0.58, "AE"), *PHONES[5:]])
    only_b_is_left_out(lj, "the vowel 'AE' at 0.45 s has no stress")


def test_a_word_that_the_aligner_did_not_know_is_left_out_not_taken_for_a_pause(lj):
    lj.align("b", phones=[*PHONES[:3], (0.35, 0.65, "spn"), *PHONES[6:]])
    only_b_is_left_out(lj, "the word 'cat' at 0.35 s has no phones")


def test_a_missing_wav_is_named_with_the_line_that_asks_for_it(lj):
    lj.wav("b").unlink()
    only_b_is_left_out(lj, f"metadata.csv:2: {lj.wav('b')} is missing")


def test_a_missing_alignment_is_named(lj):
    lj.align("b").unlink()
    only_b_is_left_out(lj, "b.TextGrid: missing")


def test_a_textgrid_that_does_not_parse_is_named(lj):
    grid = lj.align("b")
    grid.write_text(grid.read_text()[:400])
    only_b_is_left_out(lj, f"{grid}: not a TextGrid")


def test_a_textgrid_that_is_not_text_is_named(lj):
    grid = lj.align("b")
    grid.write_bytes(grid.read_bytes().replace(b"cat", b"c\xe4t"))
    only_b_is_left_out(lj, f"{grid}: neither UTF-8 nor UTF-16")


def test_a_textgrid_without_a_tier_is_named_with_those_it_has(lj):
    grid = lj.align("b")
    grid.write_text(textgrid(words=WORDS, segments=PHONES))
    only_b_is_left_out(lj, f"{grid}: expected one tier", "'phones', found 'words', 'segments'")


def test_an_alignment_longer_than_its_audio_is_left_out(lj):
    soundfile.write(lj.wav("b"), vowel(0.85), 16000)
    words = ["b.TextGrid:76: ", "longer than the audio", "'T' ends at 1.00 s, the audio at 0.85 s"]
    only_b_is_left_out(lj, *words)


def test_the_second_of_two_lines_with_one_id_is_left_out(lj):
    lj.lines.insert(2, "a|The cat sat.")
    taken = lj.taken()
    assert taken.added == 3
    assert str(taken.left_out[0]).endswith("metadata.csv:3: a is already in line 1")


@pytest.mark.parametrize("line", ["The cat sat.", "b|", "../b|The cat sat.", "|x", "b|1|2|3"])
def test_a_malformed_line_is_named(lj, line):
    lj.lines[1] = line
    taken = lj.taken()
    assert taken.added == 2
    assert "metadata.csv:2: expected ID|TEXT|NORMALIZED" in str(taken.left_out[0])


def test_a_line_that_is_not_utf_8_is_named(lj):
    lj.lines[1] = b"b|The c\xe4t sat."
    only_b_is_left_out(lj, "metadata.csv:2: not UTF-8")


def test_an_import_without_usable_utterances_fails_with_the_first_reasons(lj):
    for id_ in "abc":
        lj.wav(id_).unlink()
    lj.lines += [f"{number}|x" for number in range(4)]
    with pytest.raises(TrainError) as caught:
        lj.taken()
    text = str(caught.value)
    assert "none of 7 utterances can be used" in text and "and 2 more" in text
    assert "metadata.csv:1: " in text and "metadata.csv:5: " in text


@pytest.mark.parametrize("missing", ["metadata.csv", "aligned"])
def test_a_missing_part_of_the_layout_is_an_error_that_names_it(lj, missing):
    lj.taken()
    path = lj.folder / missing
    path.unlink() if path.is_file() else shutil.rmtree(path)
    layout = Recorded("ljspeech", lj.folder, lj.folder / "aligned")
    with pytest.raises(TrainError, match=missing):
        import_recorded(layout, lj.corpus.folder)


# Resuming ---------------------------------------------------------------------------------------


def test_a_killed_import_resumes(lj):
    lj.taken()
    whole = lj.corpus.listing.read_bytes()
    lj.corpus.listing.write_bytes(whole[: len(whole) * 2 // 3 + 20])  # in the third line
    lj.wav("a").unlink()  # what was added is not read again: its line is there
    lj.wav("a").touch()
    taken = lj.taken()
    assert (taken.added, taken.kept) == (1, 2)
    assert lj.corpus.listing.read_bytes() == whole


def test_a_repaired_utterance_is_added_later(lj):
    soundfile.write(lj.wav("b"), np.zeros(19200), 16000)
    assert lj.taken().added == 2
    soundfile.write(lj.wav("b"), vowel(), 16000)
    assert (lj.taken().added, [u.id for u in lj.corpus]) == (1, ["a", "c", "b"])


def test_a_limit_counts_new_and_existing_utterances(lj):
    lj.wav("a").unlink()
    assert lj.taken(limit=1).added == 1
    assert [u.id for u in lj.corpus] == ["b"]
    again = lj.taken(limit=2)
    assert (again.added, again.kept) == (1, 1)


def test_the_progress_counts_what_the_size_promises(lj):
    lj.taken()
    layout, counts = Recorded("ljspeech", ".", "aligned"), []
    import_recorded(layout, lj.folder / "other", counts.append, root=lj.folder)
    assert sum(counts) == size_of(layout, lj.folder) == 3


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"kind": "vctk"}, "needs a speaker"),
        ({"kind": "ljspeech", "speaker": "p225"}, "has one speaker"),
        ({"kind": "ljspeech", "limit": 0}, "limit must be 1 or more"),
        ({"kind": "blizzard"}, "kind"),
    ],
)
def test_invalid_options_are_refused(options, reason):
    with pytest.raises(ValueError, match=reason):
        Recorded(folder="x", alignments="y", **options)


# CTM --------------------------------------------------------------------------------------------


def write_ctm(lj, words=True, phones=PHONES):
    def lines(intervals):
        spoken = [(a, b, x) for a, b, x in intervals if x]
        return [f"{i} 1 {a:.2f} {b - a:.2f} {x}" for i in "abc" for a, b, x in spoken]

    (lj.folder / "phones.ctm").write_text("\n".join([";; kaldi", *lines(phones)]) + "\n", "utf-8")
    if words:
        (lj.folder / "words.ctm").write_text("\n".join(lines(WORDS)) + "\n", "utf-8")
    return lj.folder / "phones.ctm"


@pytest.mark.parametrize("words", [True, False])
def test_a_ctm_equals_a_textgrid_with_words_and_without(lj, words):
    lj.taken()
    from_textgrid = list(lj.corpus)
    shutil.rmtree(lj.corpus.folder)
    write_ctm(lj, words)
    assert lj.taken("phones.ctm").added == 3
    for one, other in zip(from_textgrid, lj.corpus, strict=True):
        assert one.rows == other.rows and one.ends == pytest.approx(other.ends, abs=1e-4)


def test_kaldis_position_in_the_word_is_read(lj):
    phones = [(a, b, f"{x}_I" if x else "SIL") for a, b, x in PHONES]
    write_ctm(lj, words=False, phones=phones)
    assert lj.taken("phones.ctm").left_out == ()


def test_words_of_another_text_are_not_laid_over_the_phones(lj):
    write_ctm(lj, words=False)
    lj.lines[1] = "b|Whoever should believe so?"
    only_b_is_left_out(lj, "phones.ctm", "do not match the text", alignments="phones.ctm")


@pytest.mark.parametrize("line", ["b 1 0.35 ten K", "b 1 0.35", "b 1 nan 0.1 K", "b 1 -1 0.1 K"])
def test_a_malformed_line_of_a_ctm_is_named(lj, line):
    path = write_ctm(lj)
    path.write_text(path.read_text().replace("b 1 0.35 0.10 K", line))
    only_b_is_left_out(lj, f"{path}:12: ", alignments="phones.ctm")


def test_a_line_of_a_ctm_that_is_not_utf_8_is_named(lj):
    path = write_ctm(lj)
    path.write_bytes(path.read_bytes().replace(b"b 1 0.35 0.10 K", b"b 1 0.35 0.10 \xff"))
    only_b_is_left_out(lj, f"{path}:12: not UTF-8", alignments="phones.ctm")


def test_overlapping_phones_and_missing_utterances_of_a_ctm_are_named(lj):
    path = write_ctm(lj)
    text = path.read_text().replace("b 1 0.35 0.10 K", "b 1 0.35 0.20 K")
    path.write_text(text)
    only_b_is_left_out(lj, f"{path}:13: 'AE1' begins at 0.45 s", alignments="phones.ctm")
    path.write_text("".join(x for x in text.splitlines(True) if not x.startswith("b")))
    assert "phones.ctm: no line of 'b'" in str(lj.taken("phones.ctm").left_out[0])


# Features ---------------------------------------------------------------------------------------


def test_a_recorded_corpus_becomes_features_with_its_f0_measured(lj):
    pytest.importorskip("pyworld", exc_type=ImportError)
    lj.taken()
    path = lj.folder / "me-000.safetensors"
    assert shard(lj.corpus, list(lj.corpus), 0, 0.05, path) == []
    examples = list(read(path))
    assert [e.id for e in examples] == ["a", "b", "c"]
    for example in examples:
        assert example.durations.sum() == example.frames and example.voiced[8:-8].all()
        assert np.abs(example.f0 / 120 - 1).max() < 0.02
