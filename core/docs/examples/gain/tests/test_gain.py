"""The suite of the kit examines the block as the host uses it."""

import pytest
from voxstack_kit.testing import StreamableBlockSuite


class TestGain(StreamableBlockSuite):
    @pytest.fixture
    def block(self):
        from example_gain import Gain

        return Gain(db=-6.0)
