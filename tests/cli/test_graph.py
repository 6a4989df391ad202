"""``voxstack stack graph``: the built stack as a picture."""

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
    assert "<script" not in text and "<link" not in text


def test_an_edit_is_in_the_picture(voxstack):
    edit = ("--set", '/stack/-={"type": "Gain", "db": -6}')
    out = voxstack.good("stack", "graph", "en-us", "-o", "-", "--format", "mmd", *edit).out
    assert "Gain" in out and "db=-6" in out and "one stream over all sentences" in out


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
