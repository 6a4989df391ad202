"""What voxstack asks of every executor."""

import pytest
from voxstack_kit.testing import ExecutorSuite
from voxstack_openvino import OpenVino, OpenVinoStatic


class TestOpenVino(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return OpenVino()


class TestOpenVinoStatic(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return OpenVinoStatic()
