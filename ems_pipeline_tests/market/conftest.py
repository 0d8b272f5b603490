from __future__ import annotations

from collections.abc import Iterator

import pytest

from ems_pipeline_tests.market.replay import Replay, replay


@pytest.fixture
def server() -> Iterator[Replay]:
    with replay() as running:
        yield running
