"""Stored chunks of a changed document are compared with its new ones."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from wikiembed.documents import Changes, NewChunk, OldChunk, diff

contents = st.lists(st.text("abc ", max_size=3), max_size=25)
contexts = st.sampled_from(["", "T\n", "T: A\n"])


def olds(contents_: list[str], context: str = "") -> list[OldChunk]:
    """Stored chunks with ids from 100."""
    return [OldChunk(100 + at, content, context) for at, content in enumerate(contents_)]


def news(contents_: list[str], context: str = "") -> list[NewChunk]:
    """New chunks."""
    return [NewChunk(content, context) for content in contents_]


def sentences(chance: random.Random, count: int) -> str:
    """So many words in a row."""
    return " ".join("".join(chance.choices("etaoinshr", k=5)) for _ in range(count))


@given(contents, contents, contexts, contexts)
def test_diff_makes_the_old_chunks_the_new_ones(
    before: list[str], after: list[str], old_context: str, new_context: str
) -> None:
    """Each old row and each new chunk is used once, and the result is the new document."""
    old, new = olds(before, old_context), news(after, new_context)

    changes = diff(old, new)

    pairs = [*changes.kept, *changes.changed]
    assert sorted([key for key, _ in pairs] + changes.deleted) == [chunk.id for chunk in old]
    assert sorted([index for _, index in pairs] + changes.inserted) == list(range(len(new)))
    rows = {chunk.id: (chunk.context, chunk.content) for chunk in old}
    assert all(rows[key] == (new[at].context, new[at].content) for key, at in changes.kept)
    assert all(rows[key] != (new[at].context, new[at].content) for key, at in changes.changed)
    assert [at for _, at in changes.kept] == sorted(at for _, at in changes.kept)


@given(contents, contents)
def test_diff_embeds_no_equal_text_again(before: list[str], after: list[str]) -> None:
    """As many chunks are kept as both sides have, wherever they are."""
    changes = diff(olds(before), news(after))

    assert len(changes.kept) == (Counter(before) & Counter(after)).total()


@given(contents)
def test_diff_of_the_same_document_keeps_all_in_place(same: list[str]) -> None:
    """Equal documents change nothing, repeated chunks included."""
    changes = diff(olds(same), news(same))

    assert changes == Changes(
        kept=[(100 + at, at) for at in range(len(same))], changed=[], inserted=[], deleted=[]
    )


def test_diff_keeps_order_before_it_moves() -> None:
    """Of equal chunks the one between the same neighbours is kept."""
    changes = diff(olds(["x", "a", "x", "b"]), news(["a", "x", "b"]))

    assert changes.kept == [(101, 0), (102, 1), (103, 2)]
    assert changes.deleted == [100]


def test_diff_keeps_moved_chunks() -> None:
    """A section that moved keeps its rows."""
    changes = diff(olds(["a", "b", "c", "d"]), news(["c", "d", "a", "b"]))

    assert sorted(changes.kept) == [(100, 2), (101, 3), (102, 0), (103, 1)]


def test_diff_changes_the_row_between_the_same_neighbours() -> None:
    """An edited chunk keeps its key, and what is added is inserted."""
    changes = diff(
        olds(["a", "the old river flows north to the sea", "c"]),
        news(["a", "something else", "the old river flows north to a lake", "c", "new"]),
    )

    assert changes == Changes(
        kept=[(100, 0), (102, 3)], changed=[(101, 2)], inserted=[1, 4], deleted=[]
    )


def test_diff_pairs_chunks_of_equal_content_under_another_context() -> None:
    """After a change of the title every row is changed, and keeps its content."""
    before = [f"content {number}" for number in range(50)]
    after = ["new", *before[:20], *before[21:]]

    changes = diff(olds(before, "Old title\n"), news(after, "New title\n"))

    assert changes.kept == []
    assert (changes.inserted, changes.deleted) == ([0], [120])
    assert all(after[at] == before[key - 100] for key, at in changes.changed)


def test_diff_finds_what_was_moved_and_edited() -> None:
    """A chunk that is elsewhere and a little different takes its row along."""
    chance = random.Random(1)
    before = [sentences(chance, 60) for _ in range(8)]
    after = [*before[1:], f"{before[0]} and more"]

    assert diff(olds(before), news(after)).changed == [(100, 7)]


def test_diff_deletes_and_inserts_what_has_nothing_in_common() -> None:
    """A row is not reused for another chunk far away that shares no words."""
    changes = diff(olds(["gone", "b", "c"]), news(["b", "c", "fresh"]))

    assert (changes.inserted, changes.deleted, changes.changed) == ([2], [100], [])


def test_diff_of_thousands_of_chunks_keeps_all_equal_ones() -> None:
    """Shuffled, repeated and all different chunks of a large document take seconds."""
    chance = random.Random(2)
    before = [sentences(chance, 100) for _ in range(4_000)]
    shuffled = chance.sample(before, len(before))
    edited = [text.replace("e", "o", 3) if chance.random() < 0.5 else text for text in before]
    cases = [
        (before, shuffled),
        (before, edited),
        (before, [sentences(chance, 100) for _ in range(3_000)]),
        (before, [text.replace("e", "o", 3) for text in shuffled]),
        (["same"] * 4_000, ["same", "other"] * 2_000),
        (["same"] * 4_000, [f"same {number}" for number in range(3_900)]),
    ]

    for old, new in cases:
        changes = diff(olds(old), news(new))
        assert len(changes.kept) == (Counter(old) & Counter(new)).total()
