"""The built stack of a voice as a picture: SVG, an HTML page around it, or Mermaid."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, final

from attrs import define, field
from voxstack import StreamablePipeline, StreamableStack

from voxstack_kit.describing.flow import Flow, Read, wrapped

FORMATS = ("svg", "html", "mmd")
CHAR, LINE, PAD, GAP = 7.3, 17, 12, 10  # of 12 px monospace; between boxes in a box
ARROW_X, ARROW = 34, 30  # where arrows go down, and how long one without words is
STYLE = {  # fill, border
    "frontend": ("#fff4dc", "#b88a2a"), "group": ("#f5f7fa", "#9aa5b4"),
    "block": ("#ffffff", "#4a6fa5"), "network": ("#e6f4ea", "#3d8b57"),
    "end": ("#fde8e8", "#b85a5a"),
}  # fmt: skip
PAN_AND_ZOOM = """
const picture = document.querySelector("svg");
let x = 0, y = 0, scale = 1;
function move(byX, byY) {
  x += byX;
  y += byY;
  picture.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
}
function zoom(event) {  // what is under the pointer stays there
  event.preventDefault();
  const before = scale, turned = event.deltaY * (event.deltaMode ? 30 : 1);
  scale = Math.min(8, Math.max(0.1, scale * Math.exp(-turned / 500)));
  const more = 1 - scale / before;
  move((event.clientX - x) * more, (event.clientY - y) * more);
}
document.body.style.cssText = "margin: 0; overflow: hidden; cursor: grab; touch-action: none";
picture.style.transformOrigin = "0 0";
addEventListener("wheel", zoom, {passive: false});
addEventListener("mousedown", event => event.preventDefault());  // else it selects text
addEventListener("pointermove", event => {
  if (event.buttons & 1) move(event.movementX, event.movementY);
});
"""


@final
@define(eq=False)
class Box:
    """A box with text, and boxes in it, in a sequence (``links``) or side by side."""

    kind: str
    lines: list[str]
    inner: list[Box] = field(factory=list)
    links: list[list[str]] | None = None  # words on the arrow into each of ``inner`` but the first

    def size(self) -> tuple[float, float]:
        """Return the least width, and the height."""
        width = max(len(line) for line in self.lines) * CHAR
        height = PAD * 1.5 + LINE * len(self.lines)
        for index, box in enumerate(self.inner):
            inner_width, inner_height = box.size()
            width = max(width, inner_width)
            if index:
                words = self.links[index - 1] if self.links is not None else None
                height += _gap(words)
                width = max([width, *(len(w) * CHAR + ARROW_X + PAD for w in words or ())])
            height += inner_height
        return width + 2 * PAD, height + (PAD if self.inner else 0)


def _gap(words: list[str] | None) -> float:
    return GAP if words is None else max(ARROW, LINE * len(words) + 16)


# What is in the picture --------------------------------------------------------------------------


def boxes_of(tree: dict[str, Any], voice: Any) -> Box:
    """Return the boxes of a stack that ``stack_tree`` described."""
    flow = Flow(tree, voice)
    frontend = Box("frontend", [f"{tree['frontend']['type']} (frontend)"])
    frontend.lines += _options(tree["frontend"])
    boxes, links = _row(tree["stack"], voice.built.blocks, flow, [], {"audio"})
    for part, box in zip(tree["stack"], boxes, strict=True):
        if part["pointer"] in tree["once_an_utterance"]:
            box.lines.append("one stream over all sentences")
    given = flow.whole(voice.built.frontend.produces or (), "a sentence at a time")
    end = Box("end", [f"audio, {tree['sample_rate']} Hz"])
    title = f"{tree['voice']} {tree['version']}"
    return Box("group", [title], [frontend, *boxes, end], [given, *links])


def _row(
    parts: list[dict[str, Any]], blocks: Sequence[Any], flow: Flow, carried: list[str], later: Read
) -> tuple[list[Box], list[list[str]]]:
    """Return the boxes of blocks in a row, and the text after each.

    ``carried`` are the tensors that come to the row; ``later`` is what is read after it.
    """
    read = [later]
    for block in reversed(blocks):
        read.insert(0, flow.read(block, read[0]))
    boxes, links = [], []
    for part, block, behind in zip(parts, blocks, read[1:], strict=True):
        boxes.append(_box(part, block, flow, carried, behind))
        carried = flow.after(block, carried)
        links.append(flow.between(carried, behind))
    return boxes, links


def _box(part: dict[str, Any], block: Any, flow: Flow, carried: list[str], later: Read) -> Box:
    lines = [f"{part['type']}  {part['pointer']}", *_options(part)]
    options = part["options"]
    if isinstance(block, StreamableStack):
        boxes, links = _row(options["stack"], block.stack, flow, carried, later)
        return Box("group", lines, boxes, links[:-1])
    if isinstance(block, StreamablePipeline):
        sequence = _box(options["sequence_block"], block.sequence_block, flow, [], ())
        inner = block.streamable_block
        stream = _box(options["streamable_block"], inner, flow, carried, later)
        made = block.sequence_block.produces
        names = ["tensors of the whole sentence"] if made is None else made
        return Box("group", lines, [sequence, stream], [flow.whole(names, "once per sentence")])
    held = []
    for name, value in options.items():
        values = value if isinstance(value, list) else [value]
        for index, item in enumerate(values):
            if isinstance(item, dict) and "network" in item:
                held.append(_network(item))
            elif isinstance(item, dict) and "pointer" in item:
                inner = getattr(block, name)
                inner = inner[index] if isinstance(value, list) else inner
                held.append(_box(item, inner, flow, carried, later))
    return Box("block", lines, held)


def _options(part: dict[str, Any]) -> list[str]:
    plain = [
        f"{name}={_plain(value)}"
        for name, value in part["options"].items()
        if not isinstance(value, dict)
        and value not in ((), [], None)
        and not (isinstance(value, list) and any(isinstance(v, dict) for v in value))
    ]
    return wrapped(plain, " ")


def _plain(value: Any) -> str:
    text = ",".join(str(v) for v in value) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _network(network: dict[str, Any]) -> Box:
    form = "whole sentences" if network["role"] == "encoder" else "no context"
    if "context" in network:
        form = f"context {network['context']['left']}+{network['context']['right']} frames"
    if "delay" in network:
        form = f"state, delay {network['delay']} frames"
    lines = [network["network"], f"role {network['role']}, {form}"]
    lines += wrapped([_executor(network["executor"])], " ")
    for name, sizes in network.get("buckets", {}).items():
        lines.append(f"{name} fixed to {_plain(sizes)}")
    for reason in network["passed_over"]:
        lines += wrapped([f"not on {reason}"], " ")
    return Box("network", lines)


def _executor(executor: dict[str, Any]) -> str:
    within = [v for v in executor.values() if isinstance(v, dict) and "type" in v]
    if within:
        return f"on {executor['type']} around {_executor(within[0])[3:]}"
    options = (f"{k}={_plain(v)}" for k, v in executor.items() if k != "type" and v)
    return f"on {executor['type']} {' '.join(o for o in options if '{' not in o)}".strip()


# How it is drawn ---------------------------------------------------------------------------------


def drawn(tree: dict[str, Any], voice: Any, form: str) -> str:
    """Return the picture of a stack as ``svg``, ``html`` or ``mmd``."""
    box = boxes_of(tree, voice)
    if form == "mmd":
        return mermaid(box)
    if form == "svg":
        return svg(box)
    title = escape(box.lines[0])
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"</head>\n<body>\n{svg(box)}<script>{PAN_AND_ZOOM}</script>\n</body></html>\n"
    )


def svg(box: Box) -> str:
    """Return boxes as SVG, drawn from top to bottom."""
    width, height = box.size()
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + 2:.0f}" '
        f'height="{height + 2:.0f}" viewBox="-1 -1 {width + 2:.0f} {height + 2:.0f}" '
        'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="12">',
        f"<title>{escape(box.lines[0])}</title>",
        '<rect x="-1" y="-1" width="100%" height="100%" fill="#ffffff"/>',
    ]
    _draw(box, 0, 0, width, out)
    return "\n".join([*out, "</svg>", ""])


def _draw(box: Box, x: float, y: float, width: float, out: list[str]) -> None:
    _, height = box.size()
    fill, border = STYLE[box.kind]
    out.append(
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" '
        f'fill="{fill}" stroke="{border}"/>'
    )
    at = y + PAD / 2
    for index, line in enumerate(box.lines):
        at += LINE
        weight = ' font-weight="bold"' if index == 0 else ' fill="#444"'
        out.append(f'<text x="{x + PAD:g}" y="{at - 3:g}"{weight}>{escape(line)}</text>')
    at += PAD
    for index, inner in enumerate(box.inner):
        if index:
            words = box.links[index - 1] if box.links is not None else None
            if words is not None:
                _arrow(x + PAD + ARROW_X / 2, at, words, out)
            at += _gap(words)
        _draw(inner, x + PAD, at, width - 2 * PAD, out)
        at += inner.size()[1]


def _arrow(x: float, y: float, words: list[str], out: list[str]) -> None:
    end = y + _gap(words)
    out.append(f'<path d="M{x:g} {y:g}V{end - 6:g}" stroke="#555" fill="none"/>')
    out.append(f'<path d="M{x - 4:g} {end - 8:g}h8l-4 8z" fill="#555"/>')
    for index, word in enumerate(words):
        place = f'x="{x + PAD:g}" y="{y + 8 + LINE * (index + 0.75):g}"'
        out.append(f'<text {place} fill="#1b4f8a">{escape(word)}</text>')


def mermaid(box: Box) -> str:
    """Return boxes in the language of Mermaid."""
    out = ["flowchart TB"]
    count = 0

    def words(lines: list[str]) -> str:
        return "<br/>".join(escape(li).replace("&", "#").replace("#x27;", "'") for li in lines)

    def add(box: Box, indent: str) -> str:
        nonlocal count
        name, count = f"n{count}", count + 1
        if not box.inner:
            out.append(f'{indent}{name}["{words(box.lines)}"]')
            return name
        out.append(f'{indent}subgraph {name}["{words(box.lines)}"]')
        names = [add(inner, indent + "  ") for inner in box.inner]
        out.append(f"{indent}end")
        for index, link in enumerate(box.links or ()):
            out.append(f'{indent}{names[index]} -->|"{words(link)}"| {names[index + 1]}')
        return name

    add(box, "  ")
    return "\n".join([*out, ""])


def format_of(output: str, chosen: str | None) -> str:
    """Return the format that ``--format`` or the name of the file asks for."""
    from voxstack import InputError

    ending = output.rpartition(".")[2].lower() if "." in output else ""
    if chosen is None and output == "-":
        raise InputError("-o - has no suffix that names a format; add --format svg, html or mmd")
    if chosen is None and ending not in FORMATS:
        raise InputError(
            f"cannot write {output}: a graph is .svg, .html or .mmd; name a file like graph.svg, "
            "or add --format"
        )
    return chosen or ending
