"""The error tree drawn at the top of `wikiembed.errors` matches the classes."""

from __future__ import annotations

import re

from wikiembed import errors

_DRAWN = re.compile(r"^(?P<indent>[│├└─ ]*)(?P<name>[A-Z]\w+)\s+(?P<rest>\S.*)$")


def drawn_tree() -> dict[str, tuple[str | None, int | None]]:
    """Each class in the docstring's drawing: its parent and its exit code."""
    tree: dict[str, tuple[str | None, int | None]] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines()[2:]:
        found = _DRAWN.match(line)
        if found is None:
            continue
        depth = len(found["indent"]) // 4
        code = found["rest"].split()[0]
        parent = path[depth - 1] if depth else None
        tree[found["name"]] = (parent, int(code) if code.isdigit() else None)
        path = [*path[:depth], found["name"]]
    return tree


def defined_tree() -> dict[str, tuple[str | None, int | None]]:
    """Each class of the module: its parent and its exit code; the root's is not drawn."""
    tree: dict[str, tuple[str | None, int | None]] = {}
    todo: list[type[errors.WikiembedError]] = [errors.WikiembedError]
    while todo:
        one = todo.pop()
        if one is errors.WikiembedError:
            tree[one.__name__] = (None, None)
        elif one.__base__ is not None:
            tree[one.__name__] = (one.__base__.__name__, one.exit_code)
        todo += [child for child in one.__subclasses__() if child.__module__ == errors.__name__]
    return tree


def test_errors_tree_is_as_drawn() -> None:
    """Names, parents and exit codes in the docstring equal those of the classes."""
    assert drawn_tree() == defined_tree()


def test_errors_tree_holds_every_exception_of_the_module() -> None:
    """No exception class of the module is missing from the tree."""
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
    assert classes == set(drawn_tree())


def test_errors_have_documented_exit_codes() -> None:
    """Only the exit codes 1, 2 and 3 are used, and every class has a docstring."""
    made = [value for value in vars(errors).values() if isinstance(value, type)]
    assert {one.exit_code for one in made if issubclass(one, errors.WikiembedError)} == {1, 2, 3}
    assert [one for one in made if not one.__doc__] == []
