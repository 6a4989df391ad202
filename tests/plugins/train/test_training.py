"""The training loop: resumed to the same bits; what would ruin a run is refused."""

import json
import os
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn
from voxstack_train.errors import TrainError
from voxstack_train.features.shards import Example, shards_of, write
from voxstack_train.features.spectrum import HOP, MELS, SAMPLE_RATE, log_mel
from voxstack_train.networks import layers
from voxstack_train.networks import vocoder as networks_vocoder
from voxstack_train.networks.attention import STRIDE
from voxstack_train.networks.pitch import MelPitch
from voxstack_train.networks.vocoder import Vocoder
from voxstack_train.training import waveform
from voxstack_train.training.acoustic import Acoustic, AcousticTask, predicted, streamed
from voxstack_train.training.attention import Attention, AttentionTask, before, speak, steps_of
from voxstack_train.training.examples import MARGIN, Batches, Examples, collate, crops, middles
from voxstack_train.training.loop import Settings, Task, _save, finished, learn
from voxstack_train.training.vocoder import PitchTask, VocoderTask, phases

NOTHING = {"stage": "test"}


class Line(Task):
    """Learn y = 2 x from random points."""

    def losses(self, step):
        x = torch.randn(8, 1)
        return {"square": (self.model(x) - 2 * x).square().mean()}

    def validate(self, model):
        return {"weight": float(model.weight.detach())}


def line(**settings):
    torch.manual_seed(0)
    return Line(nn.Linear(1, 1), Settings(**{"steps": 12, "rate": 0.1, "every": 4, **settings}))


def quiet(step, steps, losses):
    pass


def example(frames=40, symbols=5, speaker=0, seed=0):
    rng = np.random.default_rng(seed)
    durations = np.full(symbols, frames // symbols)
    durations[-1] += frames - durations.sum()
    times = np.arange(frames * HOP) / SAMPLE_RATE
    audio = 0.3 * np.sin(2 * np.pi * 150 * times) + 0.01 * rng.standard_normal(len(times))
    return Example(
        f"{seed:05d}",
        speaker,
        0,
        rng.integers(3, 40, (4, symbols)) * np.array([[1], [0], [0], [0]]),
        durations,
        log_mel(audio.astype(np.float32)).astype(np.float16),
        np.full(frames, 150, np.float32),
        np.ones(frames, np.uint8),
        (audio * 32767).astype(np.int16),
    )


# The loop ---------------------------------------------------------------------------------------


def test_a_run_that_was_stopped_ends_with_the_same_bits(tmp_path):
    whole = learn(line(), tmp_path / "whole", NOTHING, quiet)

    def stop(step, steps, losses):
        if step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(line(), tmp_path / "parts", NOTHING, stop)
    parts = learn(line(), tmp_path / "parts", NOTHING, quiet)
    assert torch.equal(whole.weight, parts.weight)
    logs = [(tmp_path / n / "losses.jsonl").read_text().splitlines() for n in ("whole", "parts")]
    assert [json.loads(a)["held"] for a in logs[0]] == [json.loads(b)["held"] for b in logs[1]]


def test_a_finished_run_is_read_and_not_repeated(tmp_path):
    average = learn(line(), tmp_path, NOTHING, quiet)
    task = line()
    found = finished(tmp_path, NOTHING, task.settings, task.model)
    assert torch.equal(found.weight, average.weight)


def test_an_unfinished_run_is_not_read(tmp_path):
    task = line()
    assert finished(tmp_path, NOTHING, task.settings, task.model) is None


def test_a_checkpoint_of_another_recipe_is_refused_and_kept(tmp_path):
    learn(line(), tmp_path, NOTHING, quiet)
    before_ = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(TrainError, match=r"checkpoint of another recipe \(settings differ\)"):
        learn(line(rate=0.2), tmp_path, NOTHING, quiet)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before_


def test_a_file_that_is_not_a_checkpoint_is_named(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"nonsense")
    with pytest.raises(TrainError, match=r"(?s)checkpoint\.pt: not a checkpoint: .*delete it"):
        learn(line(), tmp_path, NOTHING, quiet)


def test_a_nan_loss_stops_with_the_last_good_checkpoint(tmp_path):
    task = line()
    losses = task.losses
    task.losses = lambda step: {
        name: value * (float("nan") if step == 6 else 1) for name, value in losses(step).items()
    }
    with pytest.raises(TrainError, match=r"at step 6; the last good checkpoint is of step 4"):
        learn(task, tmp_path, NOTHING, quiet)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 4


def test_nan_weights_are_not_kept(tmp_path):
    task = line()
    update = task.update

    def spoilt(step):  # as by a NaN gradient of a finite loss
        losses = update(step)
        if step == 7:
            task.model.weight.data.fill_(float("nan"))
        return losses

    task.update = spoilt
    with pytest.raises(TrainError, match=r"at step 7; the last good checkpoint is of step 4"):
        learn(task, tmp_path, NOTHING, quiet)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 4


def test_a_checkpoint_with_other_options_is_refused_and_one_without_any_is_not(tmp_path):
    learn(line(), tmp_path, NOTHING, quiet)
    task = line()
    assert finished(tmp_path, NOTHING | {"options": {"crop": 1}}, task.settings, task.model)
    learn(line(), tmp_path / "kept", NOTHING | {"options": {"crop": 1}}, quiet)
    with pytest.raises(TrainError, match=r"\(options differ\)"):
        learn(line(), tmp_path / "kept", NOTHING | {"options": {"crop": 2}}, quiet)


def test_a_full_disk_keeps_the_previous_checkpoint(tmp_path, monkeypatch):
    learn(line(), tmp_path, NOTHING, quiet)
    before_ = (tmp_path / "checkpoint.pt").read_bytes()

    def full(state, path):
        path.write_bytes(b"half")
        raise OSError(28, "no space")

    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(TrainError, match="no space; the previous checkpoint is kept"):
        _save(tmp_path / "checkpoint.pt", line(), nn.Linear(1, 1), state["identity"], 13)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before_
    assert not list(tmp_path.glob("**/*.part"))


@pytest.mark.skipif(os.name == "nt", reason="no /dev/full")
def test_a_full_device_is_reported_without_a_traceback_of_torch(tmp_path):
    (tmp_path / "checkpoint.part").symlink_to("/dev/full")
    with pytest.raises(TrainError, match=r"cannot write: .*free some space"):
        learn(line(), tmp_path, NOTHING, quiet)


# Devices ----------------------------------------------------------------------------------------


class Some:
    """Examples without files."""

    train = held = None

    def batches(self, frames, seed):
        return Batches(self.train, frames, seed)


@pytest.mark.parametrize("kind", ["acoustic", "attention", "vocoder", "pitch"])
def test_all_tensors_of_a_step_are_made_on_the_device(monkeypatch, kind):
    """The device "meta" computes nothing and refuses tensors of the CPU, as a GPU does."""
    for module in (layers, networks_vocoder):
        monkeypatch.setattr(module, "full_precision", lambda module, device: nullcontext())
    monkeypatch.setattr(Task, "mixed", lambda self: nullcontext())
    examples = Some()
    examples.train = examples.held = [example(frames=90 + i, seed=i) for i in range(4)]
    settings = Settings(8, 1e-3, device="meta")
    task = {
        "acoustic": lambda: AcousticTask(Acoustic(44, 1, 32), examples, 300, settings),
        "attention": lambda: AttentionTask(Attention(44, 1), examples, 300, settings),
        "pitch": lambda: PitchTask(MelPitch(), examples, settings),
        "vocoder": lambda: VocoderTask(
            Vocoder(), examples, settings, crop=16, batch=2, pitch=MelPitch(), adversarial=0.3
        ),
    }[kind]()
    losses = task.update(7)
    assert {loss.device.type for loss in losses.values()} == {"meta"}
    with torch.no_grad(), pytest.raises(RuntimeError, match="called on meta"):  # a figure's value
        task.validate(task.model)


def test_utterances_that_are_too_short_or_too_few_are_refused(tmp_path):
    short = [example(frames=20)]
    with pytest.raises(TrainError, match="no utterance has the 38 frames"):
        crops(short, 2, 32, np.random.default_rng(0))
    with pytest.raises(TrainError, match="none of 1 held-out utterances has the 38 frames"):
        middles(short, 32, 2)
    write(tmp_path / "a-000.safetensors", short)
    with pytest.raises(TrainError, match="1 utterances of a are too few"):
        Examples(tmp_path, ["a"])


def test_a_speaker_does_not_get_the_features_of_one_with_a_longer_name(tmp_path):
    for name in ("a-000", "a-b-000", "a-001"):
        write(tmp_path / f"{name}.safetensors", [example()])
    assert [path.stem for path in shards_of(tmp_path, "a")] == ["a-000", "a-001"]


# Batches ----------------------------------------------------------------------------------------


def test_batches_depend_on_the_step_alone():
    examples = [example(frames=20 + 3 * i, seed=i) for i in range(12)]
    ids = [[e.id for e in Batches(examples, 100, 0).at(step)] for step in (0, 5, 17)]
    batches = Batches(examples, 100, 0)
    assert [[e.id for e in batches.at(step)] for step in (0, 5, 17)] == ids


def test_an_epoch_has_each_utterance_once():
    examples = [example(frames=20 + 3 * i, seed=i) for i in range(12)]
    batches = Batches(examples, 100, 0)
    batches.at(0)
    drawn = [e.id for step in range(batches._ends[0]) for e in batches.at(step)]
    assert sorted(drawn) == [e.id for e in examples]


def test_padding_is_masked():
    batch = collate([example(frames=20), example(frames=30, symbols=7)])
    assert batch.mask.sum(1).tolist() == [20, 30]
    assert batch.text_mask.sum(1).tolist() == [5, 7]
    assert batch.durations.sum(1).tolist() == [20, 30]


def test_a_crop_has_the_spectrum_of_the_whole_utterance():
    one = example(frames=60)
    rng = np.random.default_rng(0)
    cut = crops([one], 1, 16, rng)
    mel = waveform.log_mel(cut.around, MARGIN)[0].numpy()
    whole = one.mel.astype(np.float32)
    gaps = [np.abs(whole[:, at : at + 16] - mel).max() for at in range(60 - 15)]
    assert mel.shape == (MELS, 16)
    assert min(gaps) < 0.05  # float16, and audio in 16 bits


def test_a_crop_played_faster_is_higher_by_as_much():
    cut = crops([example(frames=120)], 24, 16, np.random.default_rng(1), vary=0.3)
    for f0, audio in zip(cut.f0.numpy(), cut.audio.numpy(), strict=True):
        spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 1 << 15))
        loudest = spectrum.argmax() / (1 << 15) * SAMPLE_RATE
        assert loudest == pytest.approx(f0[0], rel=0.03)


def test_the_phase_is_that_of_the_block_at_run_time():
    from voxstack import AudioFormat, Chunk
    from voxstack_standard.phase import Phase

    f0 = np.random.default_rng(0).uniform(80, 300, (1, 50)).astype(np.float32)
    audio = AudioFormat(SAMPLE_RATE, HOP)
    (chunk,) = Phase(audio=audio).stream({}, iter([Chunk({"f0": f0}, 0, True)]))
    ours = phases(torch.from_numpy(f0), torch.zeros(1, 1)).numpy()
    away = np.abs(ours - chunk["phase"])
    assert np.minimum(away, 1 - away).max() < 1e-5


def test_the_acoustic_model_streams_what_it_predicts():
    torch.manual_seed(0)
    model = Acoustic(44, 1, 32).eval()
    batch = collate([example(frames=40)])
    with torch.no_grad():
        whole = predicted(model, batch, batch.f0)[0]
        assert torch.allclose(streamed(model, batch, 7), whole, atol=1e-4)


# Attention --------------------------------------------------------------------------------------


def test_places_move_from_symbol_to_symbol_by_the_durations():
    steps = steps_of(collate([example(frames=20, symbols=5)]))  # four frames each
    assert steps.goals[0].tolist() == pytest.approx([0.5 * (n + 1) for n in range(10)])
    assert steps.stop[0].tolist() == [0] * 9 + [1]


def test_all_steps_at_once_are_the_steps_one_by_one():
    torch.manual_seed(0)
    model = Attention(44, 2).eval()
    batch = collate([example(frames=20), example(frames=30, symbols=7, speaker=1)])
    with torch.no_grad():
        encodings = model.encodings(batch)
        states = [torch.zeros(2, *shape) for shape in model.decoder.states().values()]
        fed, places, goals, mels = [], [], [], []
        for _ in range(6):
            fed.append(states[0])
            places.append(states[1][:, 0])
            mel, _, _, _, place, *states = model.decoder(encodings, batch.text_mask, *states)
            mels.append(mel)
            goals.append(place[:, 0])
        stacked = [torch.stack(part, 1) for part in (fed, places, goals)]
        made, *_ = model.decoder.whole(encodings, batch.text_mask, *stacked, torch.ones(2, 6))
    whole = made[:, :, :MELS].transpose(1, 2).flatten(2)
    from voxstack_train.networks.layers import MEL_MEAN, MEL_SCALE

    assert torch.allclose(whole * MEL_SCALE + MEL_MEAN, torch.cat(mels, -1), atol=1e-4)


def test_a_free_run_ends_at_its_limit_if_it_never_stops():
    model = Attention(44, 1).eval()
    with torch.no_grad():
        model.decoder.leave.bias[-1] = -100
    mel, places, lengths, stopped = speak(model, collate([example()]), most=4)
    assert mel.shape[-1] == 5 * 4
    assert lengths.tolist() == [5 * 4 // STRIDE]
    assert not stopped.any()
    assert (places.diff(dim=1) > 0).all()


def test_the_first_step_is_fed_nothing():
    assert before(torch.ones(1, 3)).tolist() == [[0, 1, 1]]
