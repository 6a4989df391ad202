"""Texts for frontends: ordinary ones, and unusual ones that people paste."""

TEXTS = (
    "One two three. Four five six! Is it seven? It is eight.",
    "A first line\nand a second one, with 12 numbers; and so on.\n\nA new paragraph.",
)
ODD = {
    "nothing": "",
    "spaces": " \t\n ",
    "full stops": "... . ..",
    "emoji": "😀👩‍👩‍👧 🇫🇷",
    "control characters": "\x00\x01a\x1b[31m b\x7f\x85 c",
    "10,000 characters without a full stop": "word " * 2000,
    "one word of 10,000 letters": "a" * 10_000,
    "right to left": "שלום עולם. مرحبا بالعالم.",
    "marks without letters": "\u0301\u0302 \u200b\u202e\ufeff",
    "half a pair": "a \ud800 b",
    "digits": "1" * 400 + " 3.14159e999 -0 1/0 12:99 ½",
    "markup": '<speak><break time="1s"/>a & b &lt; c</speak> [x](y) **z** `q`',
}
