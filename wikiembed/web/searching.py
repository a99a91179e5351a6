"""The page that searches; the question is in no URL and in no log."""

from __future__ import annotations

from starlette.responses import Response

from wikiembed.search.mode import Mode
from wikiembed.web.context import Context
from wikiembed.web.highlight import marked

LIMITS = (5, 10, 20, 50)
LONGEST_QUESTION = 4000


async def show(context: Context) -> Response:
    """The empty form."""
    return await _page(context, hits=None)


async def search(context: Context) -> Response:
    """The hits of a question.

    Raises: SourceNotFound, SearchRefused, EmbedderError, DatabaseError.
    """
    form = context.form
    question = form.get("question", "").strip()[:LONGEST_QUESTION]
    if not question:
        return await _page(context, hits=None)
    limit = int(form["limit"]) if form.get("limit", "") in map(str, LIMITS) else LIMITS[1]
    client = context.console.client
    hits = await context.console.in_thread(
        lambda: client.search(
            question,
            source=form.get("source") or None,
            limit=limit,
            mode=form.get("mode", Mode.AUTO),
            per_document="per_document" in form,
        )
    )
    return await _page(
        context,
        hits=[(hit, marked(hit.content, question)) for hit in hits],
        reranker_failure=client.reranker_failure,
    )


async def _page(context: Context, *, hits: object, reranker_failure: str | None = None) -> Response:
    state = await context.console.glance()
    return context.page(
        "search.html", hits=hits, form=context.form, modes=list(Mode), limits=LIMITS,
        sources=[one.name for one in state.sources], reranker_failure=reranker_failure,
    )  # fmt: skip
