"""What the base classes of executors do of themselves."""

import sys

import pytest
from attrs import frozen
from voxstack import Buckets, Executor, Static


@frozen
class Acme(Executor):
    threads: int = 1

    def load(self, network):
        raise NotImplementedError


@frozen
class AcmeStatic(Static, Acme):
    """Acme with every dimension fixed."""


@pytest.mark.parametrize("runtime", [None, "this"])
def test_a_runtime_is_found_without_importing_it(runtime, monkeypatch):
    monkeypatch.setattr(Acme, "runtime", runtime)
    assert Acme().available() is None
    assert "this" not in sys.modules


def test_a_runtime_that_is_not_installed_is_the_reason(monkeypatch):
    monkeypatch.setattr(Acme, "runtime", "acme_npu.runtime")
    assert Acme().available() == "acme_npu.runtime is not installed: pip install acme_npu"


def test_a_static_twin_has_the_options_of_its_executor_and_buckets():
    sizes = Buckets({"text": [64]})
    assert AcmeStatic(threads=2, buckets=sizes) == AcmeStatic(2, Buckets({"text": [64, 64]}))
    assert hash(AcmeStatic(2)) == hash(AcmeStatic(threads=2))
    assert (AcmeStatic.static, Acme.static) == (True, False)
    assert AcmeStatic() != Acme()
