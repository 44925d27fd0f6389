"""The registry of figure ids: renamings resolve, and no id is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_book import ROOT

from sitekit import registry
from sitekit.project import BuildError
from sitekit.registry import Registry


def read(tmp_path, text: str) -> Registry:
    path = tmp_path / "book/figure-ids.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return registry.read(path)


def test_ids_renamings_and_comments(tmp_path):
    found = read(
        tmp_path,
        "# all ids\n\nfilters-b\nfilters-a  # a note\nfilters-old -> filters-newer\n"
        "filters-newer->filters-a\n",
    )
    assert found.ids == ("filters-b", "filters-a")
    assert found.renamed == {"filters-old": "filters-a", "filters-newer": "filters-a"}


@given(st.data())
def test_every_renaming_leads_to_an_id_in_use(tmp_path_factory, data):
    """Oracle: a forest of renamings made with its roots known."""
    size = data.draw(st.integers(1, 12))
    roots, lines = {}, []
    for number in range(size):
        name = f"a-{number}"
        target = data.draw(st.sampled_from([None, *roots]))
        roots[name] = name if target is None else roots[target]
        lines.append(name if target is None else f"{name} -> {target}")
    found = read(tmp_path_factory.mktemp("r"), "\n".join(data.draw(st.permutations(lines))))
    assert set(found.ids) == {name for name, root in roots.items() if name == root}
    assert found.renamed == {name: root for name, root in roots.items() if name != root}


@pytest.mark.parametrize(
    "text, line, named",
    [
        ("a-b\na-c\na-b\n", 3, "a-b"),
        ("a-b\na-c -> a-b\na-c\n", 3, "a-c"),
        ("a-b\n\na-c -> a-d\n", 3, "a-d"),
        ("a-b -> a-c\na-c -> a-b\n", None, "circle"),
        ("a-b -> a-b\n", 1, "circle"),
        ("a-b\nA B\n", 2, "A B"),
        ("a-b\n../a-b\n", 2, "../a-b"),
        ("a-b ->\n", 1, "''"),
        ("a-b -> a-c -> a-d\na-d\n", 1, "a-c -> a-d"),
        ("a-b\na-b-narrow\n", 2, "a-b-narrow"),
        ("a-b\na-b-slide-dark\n", 2, "a-b-slide-dark"),
        ("single\n", 1, "single"),
    ],
)
def test_a_fault_is_told_with_file_and_line(tmp_path, text, line, named):
    with pytest.raises(BuildError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"book/figure-ids.txt:{line or ''}")
    assert named in str(caught.value)


REGISTRY = Registry(ids=("a-b", "a-c"), renamed={"a-old": "a-c"})


def test_a_complete_build_passes():
    registry.check(REGISTRY, {"a-b", "a-c"})


@pytest.mark.parametrize(
    "shown, named",
    [
        ({"a-b"}, ["a-c"]),
        ({"a-b", "a-c", "a-new"}, ["a-new"]),
        ({"a-b", "a-c", "a-old"}, ["a-old"]),
        ({"a-b", "a-new", "a-old"}, ["a-c", "a-new", "a-old"]),  # all at once
    ],
)
def test_what_is_lost_new_or_shown_again_fails(shown, named):
    with pytest.raises(BuildError) as caught:
        registry.check(REGISTRY, shown)
    for name in named:
        assert name in str(caught.value)


def test_the_books_own_registry_can_be_read():
    assert registry.read(ROOT / "book/figure-ids.txt").ids
