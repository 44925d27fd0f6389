"""The simulated caching allocator: the rules of torch's, by hand, and a second one beside it."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convbook.memory.allocator import CachingAllocator, OutOfMemory, block_size, segment_size

KIB, MIB = 2**10, 2**20


def served(*requests, capacity=None):
    """An allocator that has served these requests, numbered from 0."""
    allocator = CachingAllocator(capacity)
    for key, request in enumerate(requests):
        allocator.allocate(key, request)
    return allocator


@pytest.mark.parametrize(
    "request_, block",
    [(1, 512), (512, 512), (513, 1024), (1024, 1024), (MIB - 1, MIB), (MIB + 1, MIB + 512)],
)
def test_a_block_is_a_multiple_of_512_bytes(request_, block):
    assert block_size(request_) == block
    assert served(request_).allocated == block


@pytest.mark.parametrize(
    "request_, segment",
    [
        (1, 2 * MIB),
        (MIB, 2 * MIB),
        (MIB + 1, 20 * MIB),
        (10 * MIB - 512, 20 * MIB),
        (10 * MIB - 511, 10 * MIB),  # rounded to 512 bytes first
        (10 * MIB, 10 * MIB),
        (10 * MIB + 1, 12 * MIB),
        (21 * MIB, 22 * MIB),
    ],
)
def test_a_segment_by_the_size_of_the_request(request_, segment):
    assert segment_size(block_size(request_)) == segment
    assert served(request_).reserved == segment


def test_small_requests_share_a_segment():
    allocator = served(*[512] * 4096)
    assert (allocator.allocated, allocator.reserved) == (2 * MIB, 2 * MIB)
    allocator.allocate("one more", 1)
    assert allocator.reserved == 4 * MIB


def test_small_and_large_requests_do_not_share():
    assert served(512, 2 * MIB).reserved == 22 * MIB
    allocator = served(2 * MIB)  # 18 MiB of its segment are free
    allocator.allocate("small", MIB)
    assert allocator.reserved == 22 * MIB


def test_a_large_block_is_split_if_more_than_a_mebibyte_is_left():
    allocator = served(11 * MIB - 512)
    assert (allocator.allocated, allocator.reserved) == (11 * MIB - 512, 12 * MIB)
    allocator = served(11 * MIB)  # 1 MiB is not more than 1 MiB: the request gets all of it
    assert (allocator.allocated, allocator.reserved) == (12 * MIB, 12 * MIB)
    allocator.release(0)
    assert allocator.allocated == 0


def test_a_small_block_is_split_if_512_bytes_are_left():
    allocator = served(MIB, MIB - 512, 512)
    assert (allocator.allocated, allocator.reserved) == (2 * MIB, 2 * MIB)


def test_a_request_takes_the_smallest_block_that_is_large_enough():
    allocator = served(40 * MIB, 30 * MIB, 50 * MIB)
    for key in range(3):
        allocator.release(key)
    allocator.allocate("first", 28 * MIB)  # out of 30
    allocator.allocate("second", 40 * MIB)  # out of 40: had the first taken it, out of 50
    allocator.allocate("third", 50 * MIB)
    assert allocator.reserved == 120 * MIB
    assert allocator.allocated == 118 * MIB


def test_a_block_joins_its_free_neighbours():
    allocator = served(*[5 * MIB] * 4)
    assert allocator.reserved == 20 * MIB
    for key in (0, 2, 1):  # the last one closes the gap
        allocator.release(key)
    allocator.allocate("joined", 15 * MIB)
    assert allocator.reserved == 20 * MIB
    allocator.allocate("no room", 5 * MIB)
    assert allocator.reserved == 40 * MIB


def test_blocks_of_two_segments_do_not_join():
    allocator = served(20 * MIB, 20 * MIB)
    allocator.release(0)
    allocator.release(1)
    allocator.allocate(2, 40 * MIB)
    assert allocator.reserved == 80 * MIB


def test_what_is_released_stays_reserved_until_the_cache_is_emptied():
    allocator = served(20 * MIB, 512, 513)
    allocator.release(0)
    allocator.release(1)
    assert (allocator.allocated, allocator.reserved) == (1024, 22 * MIB)
    allocator.empty_cache()
    assert allocator.reserved == 2 * MIB  # which the last request holds
    allocator.release(2)
    allocator.empty_cache()
    assert (allocator.allocated, allocator.reserved) == (0, 0)


def test_free_segments_go_back_to_the_driver_before_memory_is_out():
    allocator = served(30 * MIB, 20 * MIB, capacity=60 * MIB)
    allocator.release(0)
    allocator.allocate("larger", 40 * MIB)
    assert allocator.reserved == 60 * MIB
    with pytest.raises(OutOfMemory, match=r"2,097,152 .* 62,914,560"):
        allocator.allocate("one more", 1)
    assert (allocator.allocated, allocator.reserved) == (60 * MIB, 60 * MIB)


# A second allocator, as plain as can be: segments are lists of (start, end, key), key None if free.


class Plain:
    def __init__(self, capacity):
        self.capacity = capacity
        self.segments = []  # (first address, small, list of blocks)
        self.address = 0

    @property
    def reserved(self):
        return sum(blocks[-1][1] - blocks[0][0] for _, _, blocks in self.segments)

    @property
    def allocated(self):
        return sum(e - s for _, _, blocks in self.segments for s, e, key in blocks if key)

    def allocate(self, key, request):
        size = (request + 511) // 512 * 512
        small = size <= MIB
        if self.put(key, size, small):
            return True
        if small:
            segment = 2 * MIB
        elif size < 10 * MIB:
            segment = 20 * MIB
        else:
            segment = (size + 2 * MIB - 1) // (2 * MIB) * 2 * MIB
        if self.reserved + segment > self.capacity:
            self.segments = [
                segment for segment in self.segments if any(key for _, _, key in segment[2])
            ]
        if self.reserved + segment > self.capacity:
            return False
        blocks = [(self.address, self.address + segment, None)]
        self.segments.append((self.address, small, blocks))
        self.address += segment
        assert self.put(key, size, small)
        return True

    def put(self, key, size, small):
        free = [
            (end - start, start, blocks, n)
            for _, kind, blocks in self.segments
            if kind == small
            for n, (start, end, owner) in enumerate(blocks)
            if owner is None and end - start >= size
        ]
        if not free:
            return False
        length, start, blocks, n = min(free, key=lambda found: found[:2])
        rest = length - size
        if (small and rest >= 512) or (not small and rest > MIB):
            end = start + size
            blocks[n : n + 1] = [(start, end, key), (end, start + length, None)]
        else:
            blocks[n] = (start, start + length, key)
        return True

    def release(self, key):
        for _, _, blocks in self.segments:
            merged = []
            for start, end, owner in blocks:
                owner = None if owner == key else owner
                if merged and owner is None and merged[-1][2] is None:
                    merged[-1] = (merged[-1][0], end, None)
                else:
                    merged.append((start, end, owner))
            blocks[:] = merged


sizes = st.one_of(
    st.integers(1, 4 * KIB),
    st.integers(1, 3 * MIB),
    st.integers(MIB - 1024, MIB + 1024),
    st.integers(MIB, 45 * MIB),
    st.sampled_from([512, MIB, 10 * MIB, 10 * MIB - 512, 12 * MIB, 20 * MIB]),
)
# A number of a request, to release it; or the size of a new one; or the cache is emptied.
actions = st.lists(
    st.one_of(sizes, sizes, st.tuples(st.integers(0, 60)), st.none()), min_size=1, max_size=60
)


@given(actions, st.sampled_from([60 * MIB, 200 * MIB, 10**12]))
@settings(deadline=None, max_examples=250)
def test_two_implementations_agree(actions, capacity):
    ours, plain = CachingAllocator(capacity), Plain(capacity)
    alive, made = [], 0
    for action in actions:
        if action is None:
            ours.empty_cache()
            plain.segments = [s for s in plain.segments if any(key for _, _, key in s[2])]
        elif isinstance(action, tuple):
            if not alive:
                continue
            key = alive.pop(action[0] % len(alive))
            ours.release(key)
            plain.release(key)
        else:
            made += 1
            fits = plain.allocate(made, action)
            if fits:
                ours.allocate(made, action)
                alive.append(made)
            else:
                with pytest.raises(OutOfMemory):
                    ours.allocate(made, action)
        assert (ours.allocated, ours.reserved) == (plain.allocated, plain.reserved)
        assert_sound(ours, alive)


def assert_sound(allocator, alive):
    """The blocks that are taken, and the free ones, cover the segments without overlap."""
    taken = {id(block): block for block in allocator._taken.values()}
    assert set(allocator._taken) == set(alive)
    free = {id(block): block for pool in allocator._free.values() for block in pool}
    assert not taken.keys() & free.keys()
    blocks = sorted([*taken.values(), *free.values()], key=lambda block: block.address)
    assert sum(block.size for block in blocks) == allocator.reserved
    assert all(block.free for block in free.values())
    assert not any(block.free for block in taken.values())
    for block, following in itertools.pairwise(blocks):
        assert block.address + block.size <= following.address
        assert (block.after is following) == (following.before is block)
        if block.after is not None:
            assert block.after is following
            assert block.address + block.size == following.address
            assert block.small == following.small
            assert not (block.free and following.free)
