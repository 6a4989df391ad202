"""The suite of addons: voices, and networks for other addons."""

from __future__ import annotations

import ast
import gc
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from voxstack import Addon, Host, Schedule, Tensors, VoxstackError, run_network
from voxstack.inspection import (
    MANIFEST,
    HostedProgram,
    Placed,
    ProgramCache,
    install_one,
    unavailable,
)

from voxstack_kit.checking.audit import audit
from voxstack_kit.describing.wrapping import wraps
from voxstack_kit.testing.blocks import all_at_once, require_ended
from voxstack_kit.testing.failures import fail
from voxstack_kit.testing.requirements import Requirements
from voxstack_kit.testing.streams import chunks_of, collected, require_same
from voxstack_kit.testing.suite import promise
from voxstack_kit.testing.toys import Toy, is_stepped

LOUDEST = 4.0  # times full scale: anything louder is not speech
FRAMES = 60  # that networks without a voice are run over
SCHEDULES = ((1, 7, 32), (50,))  # frames a chunk


class AddonSuite:
    """Check what voxstack requires of an addon. A complete test module::

        import pytest
        from voxstack_kit.testing import AddonSuite

        class TestMyVoice(AddonSuite):
            @pytest.fixture
            def addon(self):
                return "my-voice"

    Fixtures: ``addon``, its name or the path of its folder. ``text``, what a voice is asked to
    say; by default its sample twice. ``voxstack_host``, the host that it is opened in; by default
    one of all installed plugins.

    Attributes: ``tolerance``, and ``requirements``. What it states that it does not do is not
    asked of it, as by ``requirements = Requirements(threads=False)``: speaks, any_sizes,
    deterministic, threads, closes.
    """

    requirements: ClassVar[Requirements] = Requirements()
    tolerance = 1e-5  # the most by which streamed audio may differ from whole

    @pytest.fixture
    def addon(self) -> str:
        """Return the name of the addon; every suite overrides this."""
        fail(
            f"{type(self).__name__} has no fixture 'addon'",
            'write: @pytest.fixture def addon(self): return "my-voice"',
        )

    @pytest.fixture
    def text(self, opened: Addon) -> str:
        """Return the text that a voice speaks."""
        sample = opened.manifest.sample or "One two three."
        return f"{sample} {sample}"

    @pytest.fixture
    def opened(self, addon: str, voxstack_host: Host) -> Addon:
        """Return the addon, read and not loaded."""
        try:
            return voxstack_host.addon(addon)
        except VoxstackError as error:
            fail(f"{addon!r} cannot be read: {error}", f"voxstack addon check {addon}")

    @pytest.fixture
    def voice(self, addon: str, opened: Addon, voxstack_host: Host) -> Any:
        """Return the voice on the executor that the host chooses."""
        if not opened.manifest.speaks:
            pytest.skip("not a voice: it only provides networks for other addons")
        try:
            return voxstack_host.voice(addon)
        except VoxstackError as error:
            fail(f"the voice cannot be built: {error}", f"voxstack addon check {addon}")

    @pytest.fixture(autouse=True)
    def _promised(self, request: pytest.FixtureRequest) -> None:
        name = getattr(request.function, "requirement", None)
        if name is not None and not getattr(self.requirements, name):
            pytest.skip(f"it states that it does not: Requirements({name}=False)")

    # Data -----------------------------------------------------------------------------------

    def test_the_manifest_has_no_problems(
        self, addon: str, opened: Addon, voxstack_host: Host
    ) -> None:
        """Check the manifest and the stack, as ``voxstack stack check`` does."""
        problems = voxstack_host.check(opened.files.name)
        if problems:
            fail(
                "; ".join(str(problem) for problem in problems),
                f"fix {MANIFEST}; voxstack addon check {addon} reports the same",
            )

    def test_its_files_are_data_with_their_hashes(
        self, addon: str, opened: Addon, voxstack_host: Host
    ) -> None:
        """Check that files are neither code nor pickles, and as the manifest lists them."""
        problems = audit(voxstack_host, addon, opened).problems
        if problems:
            fail(
                "; ".join(problems),
                f"pack it again, from data only; voxstack addon check {addon} reports the same",
            )

    def test_the_package_around_it_holds_no_code(self, opened: Addon) -> None:
        """Check the package, which the host locates and never imports."""
        folder = Path(opened.files.name)
        if not folder.is_dir():
            pytest.skip("it is not a package")
        module = folder / "__init__.py"
        if module.is_file() and not _is_empty(module.read_text("utf-8")):
            fail("__init__.py contains code", "leave only a docstring in it")

    def test_it_says_what_it_is(self, opened: Addon) -> None:
        """Check that it has a license, a description and a card, and a voice a sample."""
        manifest = opened.manifest
        wanted = ["license", "description", "card", *(["sample"] if manifest.speaks else [])]
        missing = [name for name in wanted if not getattr(manifest, name)]
        if missing:
            fail(
                f"{MANIFEST} does not state: {', '.join(missing)}",
                "state what the voice is made from and who may use it",
            )

    # Networks -------------------------------------------------------------------------------

    @promise("speaks")
    def test_it_runs_on_each_executor_that_takes_its_formats(
        self, addon: str, opened: Addon, text: str, voxstack_host: Host
    ) -> None:
        """Check that it speaks on every executor that can run here, in finite, moderate numbers."""
        ran, failures = [], []
        for name, config in executors_for(voxstack_host, opened):
            try:
                with Host(executor=config) as host:
                    if opened.manifest.speaks:
                        audio = host.voice(addon).synthesize(opened.manifest.sample or text)
                        _require_audio(audio.samples, name)
                    else:
                        for program in host.load_networks(addon):
                            self._require_chunks(program, name)
                ran.append(name)
            except VoxstackError as error:
                failures.append(f"{name}: {error}")
        if failures:
            fail(
                "; ".join(failures),
                "export the networks so that each runtime loads them; voxstack executors",
            )
        if not ran:
            formats = sorted({f for n in opened.networks.values() for f in n.files})
            pytest.skip(
                f"no executor that takes {', '.join(formats)} can run here; "
                + install_one("executor")
            )

    def test_chunks_give_the_frames_of_one_call(self, opened: Addon, voxstack_host: Host) -> None:
        """Check networks over frames, in windows or by their state, on the host's executor."""
        able = executors_for(voxstack_host, opened)
        if not able:
            pytest.skip("no executor that takes its formats can run here")
        executor = voxstack_host.executor(able[0][1])
        cache = ProgramCache()
        try:
            for network in opened.networks.values():
                self._require_chunks(HostedProgram(network, Placed((executor,)), cache), able[0][0])
        finally:
            cache.close()

    def _require_chunks(self, program: HostedProgram, executor: str) -> None:
        """Fail if a network is not finite, or differs between chunks and the whole."""
        network = program.network
        toy = Toy(network)
        over_frames = network.context is not None or (network.state and is_stepped(network))
        if not over_frames:
            inputs = toy.inputs(8)
            if network.state:
                program.session(inputs).step({})
            else:
                program(inputs)
            return
        along = network.inputs["mask"].shape[-1] if is_stepped(network) else None
        inputs = toy.inputs(FRAMES)
        frames = {n: v for n, v in inputs.items() if network.inputs[n].shape[-1] == along}
        frames = frames or inputs
        constants = Tensors({n: v for n, v in inputs.items() if n not in frames})
        made = [
            collected(run_network(program, constants, chunks_of(frames, [7, 1]), Schedule(sizes)))
            for sizes in ((FRAMES,), *SCHEDULES)
        ]
        for sizes, one in zip(SCHEDULES, made[1:], strict=True):
            require_same(
                made[0], one, self.tolerance,
                f"the network {network.name!r} on {executor}, in chunks of {sizes} frames",
                "pack it again: voxstack addon pack measures context and delay",
            )  # fmt: skip

    # Speech ---------------------------------------------------------------------------------

    @promise("any_sizes")
    def test_streamed_audio_is_that_of_one_piece(self, voice: Any, text: str) -> None:
        """Check that chunks of any size give the same audio to 1e-5, with marks in order."""
        whole = voice.synthesize(text)
        _require_audio(whole.samples, "the host's executor")
        places = [mark.start for mark in whole.marks]
        if places != sorted(places) or any(place > whole.samples.size for place in places):
            fail(
                f"the marks are at {places} of {whole.samples.size} samples", "see StreamableBlock"
            )
        for frames in SCHEDULES:
            require_same(
                {"audio": whole.samples[None]}, _spoken(voice, text, frames=frames), self.tolerance,
                f"streamed in chunks of {frames} frames",
                "voxstack conformance of the blocks in its stack finds the block",
            )  # fmt: skip

    @promise("deterministic")
    def test_the_same_seed_gives_the_same_audio(self, voice: Any, text: str) -> None:
        """Check that the same text gives the same bytes twice."""
        first = _spoken(voice, text, seed=7)
        require_same(
            first, _spoken(voice, text, seed=7), 0.0, "spoken again with the same seed",
            "draw what is random from sequence['seed'] and ['sentence']",
        )  # fmt: skip

    @promise("threads")
    def test_many_threads_speak_as_one(self, voice: Any, text: str) -> None:
        """Check that four concurrent streams, of two texts and seeds, are as alone."""
        words = text.split(" ")
        spoken = [(text, 0), (" ".join(words[: max(1, len(words) // 2)]), 1)]
        alone = [_spoken(voice, one, seed=seed) for one, seed in spoken]

        def speak(number: int) -> Mapping[str, Any]:
            one, seed = spoken[number % 2]
            return _spoken(voice, one, seed=seed)

        for number, made in enumerate(all_at_once(speak, 4)):
            require_same(
                alone[number % 2], made, self.tolerance, "spoken by four threads at once",
                "voxstack conformance of the blocks in its stack finds the block",
            )  # fmt: skip

    @promise("closes")
    def test_closing_early_frees_everything(self, voice: Any, text: str) -> None:
        """Check that a stream closed after its first chunk is freed with its last reader."""
        threads = set(threading.enumerate())
        stream = voice.stream(text)
        chunk = next(stream)
        held = [weakref.ref(stream), weakref.ref(chunk["audio"])]
        stream.close()
        if next(stream, None) is not None:
            fail("a closed stream goes on", "see the blocks of its stack")
        del stream, chunk
        gc.collect()
        if any(one() is not None for one in held):
            fail(
                "a closed stream, or its first chunk, is still held",
                "voxstack conformance of the blocks in its stack finds the block",
            )
        require_ended(threads)


def executors_for(host: Host, addon: Addon) -> list[tuple[str, Any]]:
    """Return (name, config) of the executors that can run all of an addon's networks here.

    Dynamic ones first, those that wrap another around the first of them.
    """
    found: list[tuple[bool, str, Any]] = []
    wrapping = []
    networks = [n.network for n in _programs(host, addon)]
    for name in host.registry.names("executor"):
        try:
            if wraps(host.registry.load(host.registry.find(name, "executor"))):
                wrapping.append(name)
                continue
            executor = host.executor(name)
        except VoxstackError:
            continue  # its own suite reports what is wrong
        takes = all(set(executor.formats) & set(network.files) for network in networks)
        if takes and unavailable(executor) is None:
            found.append((bool(executor.static), name, name))
    found.sort(key=lambda one: one[:2])
    able = [(name, config) for _, name, config in found]
    around = [(name, {"type": name, "executor": able[0][1]}) for name in wrapping if able]
    return [*able, *around]


def _programs(host: Host, addon: Addon) -> list[Any]:
    """Return all networks that a voice runs, those of other addons included."""
    if addon.manifest.speaks:
        try:
            return list(host.voice(addon.files.name, load=False).programs)
        except VoxstackError:
            pass
    return [Toy(network) for network in addon.networks.values()]


def _spoken(voice: Any, text: str, **how: Any) -> Mapping[str, Any]:
    with voice.stream(text, **how) as chunks:
        return collected(chunk.only("audio") for chunk in chunks)


def _require_audio(samples: Any, executor: str) -> None:
    __tracebackhide__ = True
    if not samples.size:
        fail(f"on {executor} there is no audio", "add a sample with words")
    loudest = float(np.abs(samples).max())
    if not loudest <= LOUDEST:
        fail(
            f"on {executor} the loudest sample is {loudest:g}, and full scale is 1",
            "scale the vocoder's output",
        )


def _is_empty(source: str) -> bool:
    """Return whether a module has only a docstring and comments."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return False
    return all(isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant) for n in body)
