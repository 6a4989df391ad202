"""What voxstack asks of every executor."""

import pytest
from voxstack_kit.testing import ExecutorSuite
from voxstack_onnxruntime import OnnxRuntime, OnnxRuntimeStatic


class TestOnnxRuntime(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return OnnxRuntime()


class TestOnnxRuntimeStatic(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return OnnxRuntimeStatic()
