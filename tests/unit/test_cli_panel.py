"""The live view fits its terminal, whatever it has to show."""

# ruff: noqa: E501 - rows of tables
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from rich.cells import cell_len

from wikiembed.cli.cells import wrap
from wikiembed.cli.panel import Panel, as_json, plain_line
from wikiembed.control.watch import Snapshot, View
from wikiembed.times import local

NOW = dt.datetime(2031, 5, 1, 8, 0, tzinfo=dt.UTC)
OUTAGE = {"server": "http://gpu:8000", "lasted_s": 75.0, "unseen_s": 3.0, "stale": False, "partial": False,
          "reason": "The embedding server at http://gpu:8000 cannot be reached: start it."}  # fmt: skip


def source(name: str = "docs", **changed: Any) -> dict[str, Any]:
    """A row of coverage."""
    return {
        "source": name,
        "total": 1000,
        "embedded": 500,
        "missing": 500,
        "failed": 2,
        "skipped": 0,
        "coverage_pct": 50.0,
        "chunks_per_s": 12.5,
        "eta_s": 40.0,
        "paused": False,
        "pause_reason": None,
        "ready": False,
        **changed,
    }


def worker(pid: int | None = 7, **changed: Any) -> dict[str, Any]:
    """A row of workers; one that did not register has no pid."""
    known = {"host": "gpu-1", "model": "openai m"} if pid else {"host": None, "model": None}
    row = {"worker_id": 1, "alive": True, "doing": 2, "heartbeat_age_s": 3.2, "pid": pid}
    return {**row, **known, **changed}


def view(
    coverage: list[dict[str, Any]] | None = None,
    *,
    why: str | None = None,
    throughput: list[int] | None = None,
    actions: list[dict[str, Any]] | None = None,
    **state: list[dict[str, Any]],
) -> View:
    """A view of `coverage` and of the other parts given by name."""
    rows = [source()] if coverage is None else coverage
    queue = [{"source": r["source"], "todo": 3, "doing": 2, "scheduled_later": 1,
              "oldest_todo_s": 61.0} for r in rows]  # fmt: skip
    whole: dict[str, list[dict[str, Any]]] = {
        "coverage": rows,
        "queue": queue,
        "failures": [],
        "pauses": [],
        "outages": [],
        "documents": [],
        "workers": [worker()],
        **state,
    }
    minutes = [0] * 58 + [250, 1000] if throughput is None else throughput
    snapshot = Snapshot(state=whole, throughput=minutes, at=NOW, actions=actions or [])
    return View(snapshot, 7.0 if why else 0.0, why)


def lines(shown: View, *, width: int = 80, height: int = 24, plain: bool = False) -> list[str]:
    """The drawn lines."""
    return Panel(width=width, height=height, plain=plain).draw(shown).plain.split("\n")


CROWD = [source(f"source_with_a_name_of_32_bytes_{n}", ready=n > 5) for n in range(9)]
CLASSES = [{"source": "docs", "state": "failed", "error_class": f"class_{n}", "chunks": n}
           for n in range(9)]  # fmt: skip
PAUSE = {"source": "docs", "paused_by": "kim", "paused_at": NOW, "resume_at": NOW,
         "pause_reason": "the GPU is moved " * 20}  # fmt: skip


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12), (20, 6)])
@pytest.mark.parametrize(
    "shown",
    [
        view(),
        view([]),
        view(CROWD, failures=CLASSES, pauses=[PAUSE], outages=[OUTAGE] * 3, why="Gone. " * 40),
        view([source("名前" * 5)], pauses=[PAUSE]),
    ],
    ids=["usual", "empty", "crowded", "wide"],
)
def test_panel_fits(shown: View, size: tuple[int, int], plain: bool) -> None:  # noqa: FBT001
    """No line is wider than the terminal, and the last row stays free."""
    width, height = size
    drawn = lines(shown, width=width, height=height, plain=plain)
    assert max(map(cell_len, drawn)) <= width
    assert len(drawn) < height
    assert drawn[-1].startswith("Ctrl-C ends this vi")
    assert not plain or "\n".join(drawn).isascii()


def test_panel_shows_what_an_operator_needs() -> None:
    """Coverage, throughput, the time left, queue, failures, workers and servers, at 80 × 24."""
    skipped = {"source": "docs", "state": "skipped", "error_class": "empty_text", "chunks": 4}
    drawn = lines(view(failures=[CLASSES[2], skipped], outages=[OUTAGE]))
    assert drawn[0] == f"wikiembed  {local(NOW)}"
    bar = drawn[2].removeprefix("docs").removesuffix("50.00 %").strip()
    assert (bar.count("█"), bar.count("░")) == (29, 29)
    assert drawn[3].strip() == "500 of 1,000 · 12.5/s · 40 s left · 2 failed"
    assert drawn[5].startswith("throughput ")
    assert drawn[5].endswith(" █ up to 1,000 per minute, last hour")
    assert "queue      3 jobs waiting · 2 running · 1 scheduled · oldest waiting 1 min 1 s" in drawn
    assert (
        "workers    1 alive: gpu-1 pid 7 · openai m · 2 jobs running · heartbeat 3 s ago" in drawn
    )
    server = drawn.index(
        "server     http://gpu:8000 out of reach for 1 min 15 s: The embedding server at"
    )
    assert drawn[server + 1] == "           http://gpu:8000 cannot be reached: start it."
    failures = drawn.index("failures   docs: 2 class_2")
    assert drawn[failures + 1] == "           docs: 4 empty_text (skipped)"


KOREAN = "한국어위키문서본문"
ACTIONS = [{"at": NOW, "who": "kim", "action": "pause", "source": "docs", "why": f"reason {n}"}
           for n in range(20)]  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
@pytest.mark.parametrize("plain", [False, True])
def test_panel_aligns_names_by_their_width_in_cells(
    size: tuple[int, int],
    plain: bool,  # noqa: FBT001
) -> None:
    """A Korean syllable takes two cells, in a truncated name too."""
    names = [KOREAN, "docs", "漢" * 20, "a" * 32]
    drawn = lines(view([source(n) for n in names]), width=size[0], height=size[1], plain=plain)
    bars = [line for line in drawn if "50.00 %" in line]
    assert len(bars) == 4
    bar = "#" if plain else "█"
    assert len({cell_len(line[: line.index(bar)]) for line in bars}) == 1
    assert len({cell_len(line[: line.index("%")]) for line in bars}) == 1


def test_panel_shows_one_line_per_source_where_two_do_not_fit() -> None:
    """14 sources on 80 × 24, each with its state."""
    drawn = lines(view([source(f"s{n:02}", ready=n > 3) for n in range(14)]))
    assert [line[:3] for line in drawn[1:15]] == [f"s{n:02}" for n in range(14)]
    assert drawn[1].endswith("50.00 %  12.5/s · 40 s left · 2 failed · 500 of 1,000")


def test_panel_reassigns_unused_rows() -> None:
    """A tall terminal is filled as far as there is content."""
    shown = view(
        failures=CLASSES,
        pauses=[PAUSE],
        actions=ACTIONS,
        workers=[worker(n or None) for n in range(6)],
    )
    drawn = lines(shown, width=120, height=50)
    text = "\n".join(drawn)
    for seen in ("gpu-1 pid 5", "unknown process", "docs: 0 class_0", "reason 19"):
        assert seen in text
    assert len([line for line in drawn if "class_" in line]) == 9
    short = lines(shown, width=120, height=40)
    assert len(short) == 39
    assert any("more: select * from wikiembed.action_log" in line for line in short)


def test_panel_draws_a_higher_chart_where_it_fits() -> None:
    """Half of the maximum is half as high; the maximum per minute is labelled at the top."""
    minutes = [0] * 57 + [500, 1000, 1]
    drawn = lines(view(throughput=minutes), width=120, height=40)
    top = next(n for n, line in enumerate(drawn) if line.startswith("throughput"))
    chart = [line[11:71] for line in drawn[top : top + 8]]
    assert [row[57:] for row in chart] == [" █ "] * 4 + ["██ "] * 3 + ["██▁"]
    assert drawn[top].endswith("up to 1,000 per minute, last hour")
    assert drawn[top + 8].startswith("queue")


def test_panel_groups_sources_paused_for_one_reason() -> None:
    """Fourteen sources with one reason take one line."""
    drawn = lines(
        view(pauses=[{**PAUSE, "source": f"s{n}", "pause_reason": "x"} for n in range(14)])
    )
    (paused,) = (line for line in drawn if line.startswith("paused"))
    assert paused.startswith("paused     s0, s1, s2 and 11 more by kim until ")


def test_cells_wrap_counts_cells_as_a_terminal_does() -> None:
    """No text is lost, and no line is too wide."""
    text = "서버가 다른 랙으로 옮겨집니다 " * 4 + "가" * 30
    wrapped = wrap(text, 21)
    assert max(map(cell_len, wrapped)) <= 21
    assert "".join(wrapped).replace(" ", "") == text.replace(" ", "")
    assert wrap(text, 21, most=2)[1].endswith(" ...")


def test_panel_shows_who_paused_and_that_no_worker_is_alive() -> None:
    """What blocks progress is highlighted."""
    pause = {**PAUSE, "pause_reason": "the GPU is moved"}
    drawn = lines(view(pauses=[pause], workers=[]))
    at = local(NOW)
    assert f"paused     docs by kim until {at}: the GPU is moved" in drawn
    assert "workers    none alive: wikiembed worker" in drawn


def test_panel_lists_unready_sources_first_and_counts_the_rest() -> None:
    """Of many sources those that need attention are visible."""
    drawn = lines(view([source(f"s{n:02}", ready=n != 17) for n in range(30)]))
    assert drawn[1].startswith("s17 ")
    (more,) = (line for line in drawn if line.startswith("… and "))
    assert more.endswith(" ready: wikiembed status")


def test_panel_lists_documents_that_failed_with_the_failures() -> None:
    """Without any failed chunk too: there is not none."""
    documents = [{"source": "docs", "total": 9, "split": 2, "waiting": 0, "failed": 7}]
    drawn = lines(view(documents=documents))
    assert "failures   docs: 7 documents not split" in drawn
    assert "failures   none" not in drawn
    both = lines(view(documents=documents, failures=[CLASSES[2]]))
    place = both.index("failures   docs: 2 class_2")
    assert both[place + 1] == "           docs: 7 documents not split"
    assert "failures   none" in lines(view())


def test_panel_lists_an_unused_source_last() -> None:
    """The wiki's, while nothing is loaded: it is not ready, and needs nothing."""
    unused = source("a_wiki", total=0, embedded=0, missing=0, coverage_pct=None, unused=True)
    drawn = lines(view([unused, source("docs", ready=True), source("notes")]))
    names = [line.split()[0] for line in drawn if "█" in line or "░░" in line]
    assert names[:3] == ["notes", "docs", "a_wiki"]


def test_panel_expects_no_fewer_chunks_than_there_are() -> None:
    """An estimate is rounded, unless that gives less than what is embedded already."""
    split: dict[str, Any] = {
        "documents_waiting": 4,
        "total": 10_329,
        "embedded": 10_329,
        "missing": 0,
    }
    few = lines(view([source(**split, chunks_expected=10_340)]))
    assert few[3].strip().startswith("10,329 of about 10,340 ")
    many = lines(view([source(**split, chunks_expected=19_876)]))
    assert many[3].strip().startswith("10,329 of about 20,000 ")


def test_panel_reports_a_lost_database() -> None:
    """Since when and why, above the last known state."""
    drawn = lines(view(why="Postgres is out of reach."))
    assert drawn[1] == "No answer for 7 s, retrying: Postgres is out of reach."
    assert drawn[3].startswith("docs ")
    said = plain_line(view(why="Postgres is out of reach."))
    assert said.startswith(f"{local(NOW)}; no answer for 7 s: Postgres is out of reach; docs 50")
    assert as_json(view(why="Gone."))["database_lost_s"] == 7.0
    assert as_json(view())["database_lost"] is None


def test_panel_line_holds_everything() -> None:
    """Without a terminal, one line is enough."""
    assert plain_line(view(outages=[OUTAGE])) == (
        f"{local(NOW)}; docs 50.00 % (500 missing, 2 failed, 12.5/s, 40 s left);"
        " 5 jobs; 1 worker; http://gpu:8000 out of reach"
    )


def test_source_without_chunks_to_embed_has_no_percentage() -> None:
    """Neither 0 nor 100: a dash, on the bar and in a log line."""
    empty = view([source(total=0, embedded=0, missing=0, failed=0, coverage_pct=None, eta_s=0.0)])
    drawn = "\n".join(lines(empty))
    assert "–" in drawn
    assert " %" not in drawn
    assert "docs – (0 missing" in plain_line(empty)
