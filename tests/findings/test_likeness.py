"""Blocks are compared with each other, whatever they have in common."""

from dataclasses import replace

import numpy as np
import pytest

from lsr.findings.likeness import (
    Contrast,
    find_likeness,
    find_likeness_by_contrast,
    likeness_grid,
    part_averages,
)

GRID_MS = likeness_grid((5.5, 14.0))


def lsr(grid_ms=GRID_MS):
    since = (grid_ms - 9.8) / 6
    return np.where((since > 0) & (since < 1), 50 * np.sin(2 * np.pi * since), 0.0)


@pytest.fixture
def shown(detect_as):
    """A detection that shows the LSR's waveform."""
    found = detect_as("present", amplitude_uv=100.0)
    return replace(found, duration_ms=6.0, time_ms=GRID_MS, average_uv=lsr())


def draw_blocks(sizes, *, noise_uv=3.0, seed=1):
    """Parts of blocks that hold so much of the LSR, on an artifact tail and crosstalk larger than it."""
    rng = np.random.default_rng(seed)
    common = 400 * np.exp(-(GRID_MS - 5.5) / 4) + 120 * np.sin(GRID_MS) * np.exp(-GRID_MS / 6)
    return [common + size * lsr() + rng.normal(0, noise_uv, (4, GRID_MS.size)) for size in sizes]


def test_sizes_are_found_under_a_tail_that_all_blocks_share(shown):
    sizes = [1.0, 1.0, 1.0, 0.5, 0.0, 0.0, 1.0]
    found = find_likeness(draw_blocks(sizes), GRID_MS, [shown], [0, 1, 2], np.ones(7))
    np.testing.assert_allclose(found.size, sizes, atol=0.06)
    assert (np.abs(found.size - sizes) < 3 * found.deviation).all()
    assert found.amplitude_uv == 100.0


def test_sizes_are_as_unsure_as_they_are_told_to_be(shown):
    sizes = [1.0] * 30 + [0.0] * 20
    errors, told = [], []
    for seed in range(100):
        blocks = draw_blocks(sizes, noise_uv=20.0, seed=seed)
        found = find_likeness(blocks, GRID_MS, [shown], range(30), np.ones(50))
        errors.append(found.size - sizes)
        told.append(found.deviation)
    assert np.std(errors) == pytest.approx(np.sqrt(np.mean(np.square(told))), rel=0.06)


def test_a_drifting_tail_changes_no_size(shown):
    blocks = draw_blocks([1.0] * 6)
    drifting = [parts + 30 * k * np.exp(-(GRID_MS - 5.5) / 5) + 10 * k for k, parts in enumerate(blocks)]
    found = find_likeness(drifting, GRID_MS, [shown], [0], np.ones(6))
    np.testing.assert_allclose(found.size, 1.0, atol=0.15)


def test_where_the_m_wave_fell_sizes_are_less_sure(shown):
    ratios = np.array([1.0, 1.0, 0.6])
    found = find_likeness(draw_blocks([1.0, 1.0, 1.0]), GRID_MS, [shown], [0, 1], ratios)
    assert found.deviation[2] > found.deviation[1]


def test_a_block_without_enough_sweeps_has_no_size(shown):
    blocks = draw_blocks([1.0, 1.0, 0.0])
    blocks[1] = None
    found = find_likeness(blocks, GRID_MS, [shown], [0], np.ones(3))
    assert np.isnan(found.size[1])
    assert np.isfinite(found.size[[0, 2]]).all()


def test_without_a_waveform_or_an_anchor_nothing_is_compared(shown, detect_as):
    blocks = draw_blocks([1.0, 0.0])
    assert find_likeness(blocks, GRID_MS, [detect_as("absent")], [0], np.ones(2)) is None
    assert find_likeness([None, *blocks[1:]], GRID_MS, [shown], [0], np.ones(2)) is None


class Told:
    """An average that tells by itself how much of the LSR it holds."""

    time_ms = np.arange(1.5, 26.0, 0.2)

    def __init__(self, size, deviation):
        self.answer = size, deviation

    def weigh(self, wave_uv):
        np.testing.assert_allclose(wave_uv, lsr(self.time_ms), atol=8)  # as seen through grids of 0.2 ms
        return self.answer


def test_a_silent_block_that_tells_by_itself_is_not_only_compared(shown):
    blocks = draw_blocks([1.0, 0.5, 0.5])
    silent = [None, Told(0.02, 0.04), Told(0.02, 0.5)]  # the last tells less by itself than compared
    found = find_likeness(blocks, GRID_MS, [shown], [0], np.ones(3), silent)
    assert (found.size[1], found.deviation[1]) == (0.02, 0.04)
    assert found.size[2] == pytest.approx(0.5, abs=0.06)
    assert found.bias[1] < found.bias[0] == found.bias[2]


def test_a_block_like_those_that_show_the_lsr_holds_it_whatever_its_nuisances_take(shown):
    """Planted: copies of the M wave, drawn out, take the whole LSR, and leave 6 % of it."""
    silent = [None, Told(0.06, 0.02), Told(0.06, 0.02)]
    found = find_likeness(draw_blocks([1.0, 1.0, 0.1]), GRID_MS, [shown], [0], np.ones(3), silent)
    np.testing.assert_allclose(found.size, [1.0, 1.0, 0.06], atol=0.06)


def test_a_block_that_cautery_makes_too_noisy_to_compare_has_no_size(shown):
    blocks = draw_blocks([1.0, 1.0, 0.0])
    blocks[2] += np.random.default_rng(3).normal(0, 1000.0, blocks[2].shape)
    found = find_likeness(blocks, GRID_MS, [shown], [0, 1], np.ones(3))
    np.testing.assert_array_equal(np.isnan(found.size), [False, False, True])


def test_at_the_windows_edge_blocks_are_not_compared(shown):
    silent = [None, Told(0.02, 0.04), None]
    found = find_likeness(
        draw_blocks([1.0, 0.0, 0.0]), GRID_MS, [shown], [0], np.ones(3), silent, at_edge=True
    )
    np.testing.assert_array_equal(np.isnan(found.size), [True, False, True])


@pytest.mark.parametrize(
    ("sizes", "drawn", "believed"),
    [
        ((1.0, 1.02), (1.0, 1.0), True),
        ((1.0, 0.5), (1.0, 1.0), False),
        ((1.3, 0.7), (1.3, 0.7), True),  # an LSR that varies, told alike by both
        ((0.7, 1.3), (1.3, 0.7), False),
        ((0.3, 0.3), (1.0, 1.0), False),
    ],
)
def test_blocks_are_believed_by_themselves_only_if_those_that_show_the_lsr_are(shown, sizes, drawn, believed):
    anchors = [replace(shown, whitened=Told(size, 0.04)) for size in sizes]
    silent = [None, None, Told(0.02, 0.04)]
    found = find_likeness(draw_blocks([*drawn, 0.3]), GRID_MS, anchors, [0, 1], np.ones(3), silent)
    assert bool(found.size[2] == 0.02) is believed


# --- the first stage against another ------------------------------------------------------------------


FIRST, OTHER = (0, 1), (4, 5)


@pytest.fixture
def contrast(shown):
    return Contrast(detection=shown, first=FIRST, other=OTHER)


def alone(sizes, deviation=0.1):
    """What blocks of these sizes tell by themselves, in units of the contrast."""
    return [Told(size, deviation) for size in sizes]


def by_contrast(contrast, sizes, told, *, ratios=None, silent=None):
    ratios = np.ones(len(sizes)) if ratios is None else ratios
    silent = [False] * len(sizes) if silent is None else silent
    return find_likeness_by_contrast(draw_blocks(sizes), GRID_MS, contrast, ratios, told, silent)


def test_what_went_is_told_by_the_blocks_and_what_is_left_by_each(contrast):
    sizes = [1.0, 1.0, 0.8, 0.5, 0.0, 0.0]
    found = by_contrast(contrast, sizes, alone(sizes))
    np.testing.assert_allclose(found.size, sizes, atol=0.08)
    assert found.amplitude_uv == pytest.approx(100.0, rel=0.05)


def test_a_silent_block_that_tells_more_by_itself_does(contrast):
    sizes = [1.0, 1.0, 1.0, 0.5, 0.0, 0.0]
    silent = [False] * 4 + [True] * 2
    compared = by_contrast(contrast, sizes, alone(sizes, 0.01))
    found = by_contrast(contrast, sizes, alone(sizes, 0.01), silent=silent)
    assert (found.deviation[4:] < compared.deviation[4:]).all()
    assert (found.bias[4:] < compared.bias[4:]).all()
    np.testing.assert_array_equal(found.size[:4], compared.size[:4])


@pytest.mark.parametrize(("compared", "believed"), [(0.25, True), (0.5, False)])
def test_a_block_that_says_by_itself_what_comparison_excludes_is_not_believed(contrast, compared, believed):
    """Planted: among eighty blocks one that says by itself, surely, that it holds none."""
    sizes = [1.0] * 40 + [0.0] * 39 + [compared]
    told, silent = alone([*sizes[:-1], 0.0], 0.01), [False] * 79 + [True]
    blocks = draw_blocks(sizes, noise_uv=20.0, seed=6)
    found = find_likeness_by_contrast(blocks, GRID_MS, contrast, np.ones(80), told, silent)
    assert found.size[-1] == pytest.approx(0.0 if believed else compared, abs=0.02 if believed else 0.1)


def test_an_lsr_that_shrank_is_not_taken_for_one_that_went(contrast):
    sizes = [1.6, 1.6, 1.6, 1.0, 0.6, 0.6]  # the contrast, 1, is less than what was there
    found = by_contrast(contrast, sizes, alone(sizes))
    went = by_contrast(contrast, [1.0, 1.0, 1.0, 0.4, 0.0, 0.0], alone([1.0, 1.0, 1.0, 0.4, 0.0, 0.0]))
    np.testing.assert_allclose(found.deviation, went.deviation / 1.6, rtol=0.05)
    np.testing.assert_allclose(found.size, np.array(sizes) / 1.6, atol=0.08)
    assert found.amplitude_uv == pytest.approx(160.0, rel=0.05)


def test_a_contrast_that_tells_sizes_poorly_is_not_used(contrast):
    sizes = [1.0, 1.0, 0.8, 0.5, 0.0, 0.0]
    noisy = draw_blocks(sizes, noise_uv=150.0)
    assert find_likeness_by_contrast(noisy, GRID_MS, contrast, np.ones(6), alone(sizes), [False] * 6) is None


def test_an_lsr_that_came_later_is_none_of_the_first_stage(contrast):
    assert by_contrast(contrast, [0.0, 0.0, 0.0, 0.0, -1.0, -1.0], alone([0.0] * 4 + [-1.0] * 2)) is None


def test_what_is_left_is_asked_only_of_blocks_that_can_be_compared(contrast):
    """Planted: the fourth block says 3 by itself, surely; its M wave fell, or it has too few sweeps."""
    sizes = [1.0, 1.0, 1.0, 0.5, 0.0, 0.0]
    told = alone(sizes)
    told[3] = Told(3.0, 0.01)
    fell = by_contrast(contrast, sizes, told, ratios=np.array([1.0, 1.0, 1.0, 0.5, 1.0, 1.0]))
    np.testing.assert_allclose(fell.size, sizes, atol=0.08)
    assert fell.deviation[3] > 2 * fell.deviation[2]  # what all share is crosstalk, and fell too
    parts = draw_blocks(sizes)
    parts[3] = None
    few = find_likeness_by_contrast(parts, GRID_MS, contrast, np.ones(6), told, [False] * 6)
    np.testing.assert_allclose(np.delete(few.size, 3), np.delete(sizes, 3), atol=0.08)
    assert np.isnan(few.size[3])


def test_a_waveform_that_a_drift_explains_weighs_nothing(shown):
    """Planted: what stands out bends like the tail of an artifact all the way."""
    tail = replace(
        shown, average_uv=50 * np.exp(-(GRID_MS - 5.5) / 6), onset_latency_ms=5.5, duration_ms=30.0
    )
    blocks, told = draw_blocks([1.0] * 3), alone([1.0] * 3)
    assert find_likeness(blocks, GRID_MS, [tail], [0], np.ones(3)) is None
    contrast = Contrast(detection=tail, first=(0,), other=(2,))
    assert find_likeness_by_contrast(blocks, GRID_MS, contrast, np.ones(3), told, [False] * 3) is None


@pytest.mark.parametrize("stage", [FIRST, OTHER])
def test_stages_of_too_few_sweeps_are_not_compared(contrast, stage):
    sizes = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    parts = [None if k in stage else one for k, one in enumerate(draw_blocks(sizes))]
    assert find_likeness_by_contrast(parts, GRID_MS, contrast, np.ones(6), alone(sizes), [False] * 6) is None


def test_without_a_block_that_tells_what_is_left_there_is_no_size(contrast):
    sizes = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    assert by_contrast(contrast, sizes, alone(sizes, deviation=0.5)) is None
    assert by_contrast(contrast, sizes, [None] * 6) is None
    assert by_contrast(contrast, sizes, alone(sizes), ratios=np.full(6, 0.5)) is None


def test_parts_are_averages_of_every_fourth_sweep():
    time_ms = np.arange(-10, 60, 0.1)
    emg_uv = np.repeat(np.arange(10.0)[:, None], time_ms.size, axis=1)
    parts = part_averages(emg_uv, time_ms, GRID_MS)
    np.testing.assert_allclose(parts[:, 0], [4.0, 5.0, 4.0, 5.0])
    np.testing.assert_allclose(part_averages(emg_uv[:8], time_ms, GRID_MS)[:, 0], [2.0, 3.0, 4.0, 5.0])
    assert part_averages(emg_uv[:7], time_ms, GRID_MS) is None
    assert part_averages(emg_uv, np.arange(-50, 20, 0.1), GRID_MS) is None
