"""What `make mutants` breaks, and what it leaves alone."""

from ems_pipeline_tests.mutation.mutations import mutations

SOURCE = '''
def paid(energy_wh: int | None, price: float, free_wh: int = 5) -> float:
    """What is paid, in money."""
    if energy_wh is None or energy_wh < free_wh:
        raise ValueError("at least " + str(free_wh + 1))
    return max(0.0, -(energy_wh - free_wh) * price)
'''


def test_each_break_changes_one_place_and_is_told_as_source() -> None:
    found = {(m.line, m.before, m.after) for m in mutations(SOURCE)}
    assert (4, "energy_wh < free_wh", "energy_wh <= free_wh") in found
    assert (4, "energy_wh is None or energy_wh < free_wh", "energy_wh is None and energy_wh < free_wh") in found
    assert (6, "energy_wh - free_wh", "energy_wh + free_wh") in found
    assert (6, "0.0", "1.0") in found
    assert (2, "5", "6") in found
    assert any(line == 6 and after.startswith("min(") for line, _, after in found)
    assert len({m.source for m in mutations(SOURCE)}) == len(mutations(SOURCE)), "no break stands for another"


def test_words_types_and_what_is_raised_are_left_alone() -> None:
    assert all(m.line != 5 and "int | None" not in m.before for m in mutations(SOURCE))
