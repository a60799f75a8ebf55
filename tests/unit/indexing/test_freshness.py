"""How often the indexer looks at a project."""

import pytest

from cocosearch.indexing.freshness import pause_after


@pytest.mark.parametrize(
    ("elapsed", "processor", "pause"),
    [
        (0.1, 0.05, 2.0),  # small tree, idle machine: the setting counts
        (5.0, 5.0, 45.0),  # large tree: a tenth of a core
        (7.0, 0.1, 7.0),  # small tree on a busy machine: changes must not wait a minute for it
    ],
)
def test_the_pause_follows_the_cost_of_a_look_and_not_the_load_of_the_machine(elapsed: float, processor: float, pause: float) -> None:
    assert pause_after(2.0, elapsed, processor) == pytest.approx(pause)
