"""The promises of a component, and those that it may opt out of."""

from __future__ import annotations

from typing import final

from attrs import frozen


@final
@frozen
class Requirements:
    """The promises that are checked; False disables the checks of one.

    ``requirements = Requirements(lazy=False)`` in a suite, with a comment that explains why.
    """

    # Every component
    documented: bool = True  # its class and each of its options are described
    round_trip: bool = True  # a configuration makes it, and can be written from it again
    wrong_options: bool = True  # a wrong option is a ConfigError that points at its place
    frozen: bool = True  # it cannot be changed once it is made, and can be compared
    light_import: bool = True  # importing its module loads no runtime and has no side effects
    deterministic: bool = True  # the same input and seed give the same output
    threads: bool = True  # many at once produce what each produces alone
    errors: bool = True  # what is missing or damaged is an error that names it
    leaves_input: bool = True  # it does not change the arrays that it is given

    # Blocks
    any_sizes: bool = True  # any sizes of chunks, fed or asked for, give the same output
    lazy: bool = True  # it reads when it is asked, no further than it looks ahead, in flat memory
    closes: bool = True  # closed early, it holds nothing any more
    marks: bool = True  # it passes marks on, once and in order
    empty: bool = True  # an utterance without frames is one
    finite: bool = True  # what it makes is numbers, and floats are finite
    declared: bool = True  # what it declares to consume and produce is true
    fixed_shapes: bool = True  # its networks may run in fixed shapes

    # Executors
    sessions: bool = True  # it steps networks with state
    batches: bool = True  # it puts the states of sessions side by side and takes them apart

    # Frontends
    any_pieces: bool = True  # text in any pieces gives the same sentences
    odd_text: bool = True  # any text at all is spoken or refused with an InputError

    # Addons
    speaks: bool = True  # it speaks on each executor that takes its formats
