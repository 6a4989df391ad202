"""No check without something broken that fails it: the tables of the tests name them all."""

import importlib.util
from pathlib import Path

import pytest
from voxstack_kit.testing import (
    AddonSuite,
    ExecutorSuite,
    FrontendSuite,
    SequenceBlockSuite,
    StreamableBlockSuite,
)
from voxstack_kit.testing.format import FormatSuite
from voxstack_kit.testing.others import CommandSuite, HooksSuite, OptionSuite
from voxstack_kit.testing.running import title

TABLES = {
    AddonSuite: ("addon",),
    CommandSuite: ("commands",),
    ExecutorSuite: ("component", "executor"),
    FormatSuite: ("formats",),
    FrontendSuite: ("component", "frontend"),
    HooksSuite: ("hooks",),
    OptionSuite: ("options",),
    SequenceBlockSuite: ("component", "sequence"),
    StreamableBlockSuite: ("component", "streamable"),
}
# A check that is the same for all components, and needs a module that can be imported: it is
# failed by the modules of test_testing_streamable.
IMPORTED = "importing it is light and has no effects"


def failures_of(name):
    """The rows (what is broken, the checks that it fails, ...) of a module of tests."""
    path = Path(__file__).with_name(f"test_testing_{name}.py")
    spec = importlib.util.spec_from_file_location(f"table_of_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FAILURES


def checks_of(suite):
    return {title(name) for name in dir(suite) if name.startswith("test_")}


@pytest.mark.parametrize("suite", TABLES, ids=lambda suite: suite.__name__)
def test_each_check_is_failed_by_something_broken(suite):
    rows = [row for name in TABLES[suite] for row in failures_of(name)]
    failed = {check.partition(" (")[0] for _, checks, *_ in rows for check in checks}
    assert checks_of(suite) - failed - {IMPORTED} == set()
    assert failed - checks_of(suite) == set(), "checks that there are no more"
