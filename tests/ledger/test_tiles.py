"""Tiles: paths of C2SP tlog-tiles, growth, reading nodes, entry bundles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import EntryTooLarge, TileInvalid
from ledger.tiles import (
    ENTRIES,
    Growth,
    Tile,
    TileNodes,
    grow,
    number_path,
    pack_entries,
    parse_path,
    subtree_root,
    tiles_of,
    touched,
    unpack_entries,
)
from ledger.tree import consistency_proof, inclusion_proof, leaf_hash, root, root_of, verify_inclusion

LEAVES = [leaf_hash(b"%d" % number) for number in range(70_000)]


def built(size: int, *, step: int | None = None) -> dict[str, bytes]:
    """The hash tiles of a tree grown in steps, by path; replaced partial tiles stay."""
    files: dict[str, bytes] = {}

    def read(tile: Tile) -> bytes:
        return files[tile.path]

    for done in range(0, size, step or size or 1):
        tiles = grow(read, done, LEAVES[done : min(size, done + (step or size))])
        files |= {tile.path: data for tile, data in tiles.items()}
    return files


@pytest.mark.parametrize(
    ("number", "path"),
    [
        (0, "000"),
        (7, "007"),
        (999, "999"),
        (1000, "x001/000"),
        (1_234_067, "x001/x234/067"),
        (1_000_000_000, "x001/x000/x000/000"),
    ],
)
def test_numbers_are_written_in_three_digit_elements(number: int, path: str) -> None:
    assert number_path(number) == path
    assert parse_path(f"tile/0/{path}") == Tile(0, number)


def test_paths_of_the_specification() -> None:
    assert Tile(1, 273, 17).path == "tile/1/273.p/17"
    assert Tile(ENTRIES, 1_234_067).path == "tile/entries/x001/x234/067"
    assert parse_path("tile/entries/000.p/255") == Tile(ENTRIES, 0, 255)
    assert parse_path("tile/63/000.p/1") == Tile(63, 0, 1)


@given(st.integers(-1, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_a_path_reads_back(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert parse_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/0/001/000",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/-1/000",
        "tile/data/000",
        "tile/0/000\n",
        "/tile/0/000",
        "tile/0/../000",
        "tile/0/٠٠٠",
        "",
    ],
)
def test_any_other_spelling_is_refused(path: str) -> None:
    with pytest.raises(TileInvalid):
        parse_path(path)


def test_the_tiles_of_seventy_thousand_leaves_are_those_the_specification_counts() -> None:
    tiles = [tile for tile in tiles_of(70_000) if tile.level != ENTRIES]
    assert sum(tile.level == 0 and tile.width == 256 for tile in tiles) == 273
    assert [tile for tile in tiles if tile.width != 256 or tile.level] == [
        Tile(0, 273, 112),
        Tile(1, 0, 256),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert list(tiles_of(256)) == [Tile(ENTRIES, 0), Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


@given(st.integers(0, 20_000), st.integers(0, 20_000))
def test_the_touched_tiles_are_those_that_were_not_there(a: int, b: int) -> None:
    old, size = sorted((a, b))
    had = set(tiles_of(old))
    assert list(touched(old, size)) == [tile for tile in tiles_of(size) if tile not in had]


@given(st.integers(1, 2_000), st.integers(50, 1_500))
def test_tiles_grown_in_steps_are_the_tiles_of_the_whole_tree(size: int, step: int) -> None:
    whole, stepwise = built(size), built(size, step=step)
    assert set(whole) == {tile.path for tile in tiles_of(size) if tile.level != ENTRIES}
    assert {path: stepwise[path] for path in whole} == whole


@given(st.integers(0, 2_000), st.integers(1, 2_000))
def test_growing_answers_exactly_the_touched_hash_tiles(old: int, more: int) -> None:
    files = built(old)
    tiles = grow(lambda tile: files[tile.path], old, LEAVES[old : old + more])
    assert sorted(tiles) == sorted(tile for tile in touched(old, old + more) if tile.level != ENTRIES)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 65_535, 65_536, 65_537, 66_000])
def test_a_tree_built_a_tile_at_a_time_hands_out_the_same_tiles(size: int) -> None:
    growth = Growth()
    tiles = []
    for start in range(0, size, 256):
        tiles += growth.add(LEAVES[start : min(size, start + 256)])
    tiles += growth.partial()
    assert {tile.path: data for tile, data in tiles} == built(size)
    assert growth.frontier.root() == root_of(LEAVES[:size])


def test_leaves_out_of_step_with_the_tiles_are_refused() -> None:
    growth = Growth()
    with pytest.raises(TileInvalid):
        growth.add(LEAVES[:257])
    growth.add(LEAVES[:10])
    with pytest.raises(TileInvalid):
        growth.add(LEAVES[10:20])
    assert growth.frontier.size == 10


def test_every_node_can_be_read_out_of_the_tiles() -> None:
    size = 66_000
    files = built(size, step=7_000)
    node = TileNodes(lambda tile: files[tile.path], size)
    assert root(size, node) == root_of(LEAVES[:size])
    for level, index in ((0, 0), (0, 65_999), (3, 100), (8, 256), (9, 100), (16, 0)):
        assert node(level, index) == subtree_root(LEAVES[index << level : (index + 1) << level])
    path = inclusion_proof(65_536, size, node)
    verify_inclusion(65_536, size, LEAVES[65_536], path, root_of(LEAVES[:size]))
    assert len(consistency_proof(65_537, size, node)) > 1
    for level, index in ((0, 66_000), (16, 1), (0, -1), (17, 0)):
        with pytest.raises(TileInvalid):
            node(level, index)


def test_a_tile_of_another_length_is_refused() -> None:
    files = built(300)
    node = TileNodes(lambda tile: files[tile.path][:-1], 300)
    with pytest.raises(TileInvalid):
        node(0, 1)


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_entries_pack_and_unpack(entries: list[bytes]) -> None:
    assert list(unpack_entries(pack_entries(entries))) == entries


def test_an_entry_above_eight_kibibytes_is_refused_on_both_sides() -> None:
    assert list(unpack_entries(pack_entries([b"x" * 8192]))) == [b"x" * 8192]
    with pytest.raises(EntryTooLarge):
        pack_entries([b"x" * 8193])
    with pytest.raises(TileInvalid):
        list(unpack_entries((8193).to_bytes(2) + b"x" * 8193))


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_a_cut_entry_tile_yields_what_is_whole_and_then_refuses(cut: int) -> None:
    entries = unpack_entries(pack_entries([b"one", b"two"])[:-cut])
    assert next(entries) == b"one"
    with pytest.raises(TileInvalid):
        next(entries)
