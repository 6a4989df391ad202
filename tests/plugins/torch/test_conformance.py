"""What voxstack asks of every executor."""

import pytest
from voxstack_kit.testing import ExecutorSuite
from voxstack_torch import Torch, TorchStatic


class TestTorch(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return Torch()


class TestTorchStatic(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return TorchStatic()
