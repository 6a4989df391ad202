"""The texts that are spoken."""

from __future__ import annotations

# One sentence each, which a host that streams by sentence cannot cut. About 1, 5, 10, 30 seconds.
SENTENCES = {
    1: "Hello, world.",
    5: "We took the early train to the coast last summer, and the sea was calm but cold.",
    10: "The children played in the garden until it was dark, and nobody told them to come in,"
    " because their mother was still on the telephone with the man who wanted to buy the old house"
    " by the river.",
    30: "The children played in the garden until it was dark, and nobody had told them to come in,"
    " because their mother was still on the telephone with the man who wanted to buy the old house"
    " by the river, which had been empty for years, and their father, who had taken the early train"
    " to the coast that morning, was walking along the beach with his brother, while the dog ran"
    " ahead of them into the water and back again, so that they did not hear the bells of the"
    " church on the hill, and only when the first drops of rain fell did they go back.",
}
# Pages of short sentences, which such a host streams best.
PAGE = (
    "We took the early train to the coast. The sea was calm, and the wind was cold.",
    "Nobody had told her that the house was for sale. It had been empty for years.",
    "The children played in the garden until it was dark. Did anybody call them?",
    "The dog ran ahead of them into the water. Then the first drops of rain fell.",
)
PAGES = {10: " ".join(PAGE[:2]), 30: " ".join(PAGE + PAGE[:2])}
