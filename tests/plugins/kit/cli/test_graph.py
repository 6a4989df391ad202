"""``voxstack stack graph``: the built stack as a picture."""

import json
import re
import xml.etree.ElementTree as ET

import pytest

NAMES = [
    *("English", "StreamablePipeline", "Encoders", "StreamableStack", "Upsampler", "Prosody"),
    *("Phase", "Noise", "Decoder", "Vocoder", "en-us:text_encoder", "en-us:prosody"),
    *("en-us:decoder", "vocoder-16k:vocoder", "OnnxRuntime", "delay 18", "context 9+9"),
    *("mel [batch, 80, frames]", "80 frames/s", "16000 samples/s"),
]


def test_the_svg_is_xml_and_names_every_block_network_and_rate(voxstack, home):
    voxstack.good("stack", "graph", "en-us", "-o", "g.svg")
    words = " ".join(ET.parse(home / "g.svg").getroot().itertext())
    assert [name for name in NAMES if name not in words] == []


def test_nothing_is_drawn_beyond_the_edge(voxstack):
    root = ET.fromstring(voxstack.good("stack", "graph", "en-us", "-o", "-", "--format", "svg").out)
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        assert float(text.get("x")) + 7.3 * len(text.text) <= float(root.get("width"))


def test_mermaid_and_a_page_tell_the_same(voxstack, home):
    for form in ("mmd", "html"):
        voxstack.good("stack", "graph", "en-us", "-o", f"g.{form}")
        text = (home / f"g.{form}").read_text()
        assert [name for name in NAMES if name not in text] == []
    assert "src=" not in text and "<link" not in text


def test_a_page_listens_to_the_wheel_and_the_pointer(voxstack):
    page = voxstack.good("stack", "graph", "en-us", "-o", "-", "--format", "html").out
    assert all(f'addEventListener("{event}"' in page for event in ("wheel", "pointermove"))


def test_an_edit_is_in_the_picture(voxstack):
    edit = ("--set", '/stack/-={"type": "Gain", "db": -6}')
    out = voxstack.good("stack", "graph", "en-us", "-o", "-", "--format", "mmd", *edit).out
    assert "Gain" in out and "db=-6" in out and "one stream over all sentences" in out


def arrows(mermaid):
    """Return the words on each arrow, the boxes' names being n0, n1, ..."""
    return re.findall(r'-->\|"(.*)"\|', mermaid)


def test_a_stack_within_is_fed_by_what_comes_to_it_and_makes_what_its_last_block_makes(voxstack):
    within = [{"type": "Phase"}, {"type": "Vocoder", "network": "vocoder-16k:vocoder"}]
    edit = {"type": "StreamableStack", "stack": within}
    drawn = ("-o", "-", "--format", "mmd", "--set", f"/stack/1={json.dumps(edit)}")
    *_, to_vocoder, _, to_stack, out = arrows(voxstack.good("stack", "graph", "en-us", *drawn).out)
    assert [n for n in ("mel", "noise", "f0", "phase") if f"{n} [" not in to_vocoder] == []
    assert "mel [" in to_stack and "phase" not in to_stack  # it makes that again
    assert out == "audio [batch, samples]<br/>16000 samples/s"


def test_what_a_block_that_declares_nothing_may_read_is_on_its_arrow(voxstack):
    edit = ("--set", '/stack/0/streamable_block/stack/-={"type": "Tap"}')
    out = voxstack.good("stack", "graph", "en-us", "-o", "-", "--format", "mmd", *edit).out
    assert any("mel [" in words and "encodings [" in words for words in arrows(out))
    assert "encodings [" not in arrows(out)[-2]  # nothing behind it reads them


QUIET = """
from attrs import frozen
from voxstack import StreamableBlock

@frozen
class Quiet(StreamableBlock):
    "Say nothing of what it makes."

    def stream(self, sequence, upstream):
        yield from upstream
"""


def test_a_block_that_does_not_say_what_it_makes_has_that_on_its_arrow(voxstack, install):
    install("acme-quiet", {"effects.Quiet": "acme_quiet:Quiet"}, QUIET)
    edit = ("--set", '/stack/-={"type": "Quiet"}')
    out = voxstack.good("stack", "graph", "en-us", "-o", "-", "--format", "mmd", *edit).out
    made = "audio [batch, samples]  what is not declared<br/>16000 samples/s"
    assert arrows(out)[-1] == made


def test_a_long_reason_is_told_to_its_end(voxstack):
    place = ("--executor", json.dumps(["NoSuch" * 20, "OnnxRuntime"]))
    tree = json.loads(voxstack("stack", "show", "en-us", "--json", *place).out)
    (reason,) = tree["stack"][1]["options"]["network"]["passed_over"]
    drawn = voxstack("stack", "graph", "en-us", "-o", "-", "--format", "svg", *place).out
    words = " ".join(ET.fromstring(drawn).itertext())
    assert "".join(reason.split()) in "".join(words.split())


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("g.png", ".svg, .html or .mmd"),
        ("-", "--format"),
        ("none/g.svg", "there is no folder 'none'"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused(refused, output, says):
    refused("stack", "graph", "en-us", "-o", output, says=(says,))
