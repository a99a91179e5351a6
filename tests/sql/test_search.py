"""wikiembed.search: by vector, by text, fused, filtered, per document; and what it refuses."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import make_source
from tests.support.database import DIMENSIONS, Database

FOUND = "select key, vector_rank, text_rank, is_current from wikiembed.search('docs', {})"


def vec(*values: float) -> str:
    """A vector as a literal, filled up with zeros."""
    return str([*values, *([0.0] * (DIMENSIONS - len(values)))])


@pytest.fixture
def docs(database: Database) -> Database:
    """Six chunks of two tenants; the last waits for its vector. Search by text in English."""
    make_source(database)
    database.execute("alter table public.docs add column tenant integer, add column lang text")
    rows = [
        ("Bees make honey from nectar.", vec(1, 0), 1, "en"),
        ("A hive has one queen and many workers.", vec(0.9, 0.1), 1, "en"),
        ("Honey keeps for years in a closed jar.", vec(0.5, 0.5), 2, "en"),
        ("Steam engines drive locomotives.", vec(0, 1), 2, "en"),
        ("Der Honig kommt von Bienen.", vec(0.8, 0.2), 2, "de"),
        ("Honey bees dance to tell where nectar is.", None, 1, None),
    ]
    for row in rows:
        database.execute(
            "insert into public.docs (body, vec, tenant, lang) values (%s, %s, %s, %s)", row
        )
    index_text(database, "docs", "english")
    return database


def index_text(database: Database, source: str, config: str) -> None:
    """Build the index of search by text, as the command does."""
    using = database.one("select wikiembed.text_index(%s, %s)", [source, config])
    table = database.one("select relation::text from wikiembed.sources where name = %s", [source])
    database.execute(f"create index on {table} {using}")
    database.execute("select wikiembed.set_text_config(%s, %s)", [source, config])


def found(database: Database, arguments: str) -> list[str]:
    """The keys of the hits of source ``docs``, best first."""
    return [row[0] for row in database.rows(FOUND.format(arguments))]


def refused(database: Database, arguments: str, source: str = "docs") -> str:
    """The message with which a search is refused."""
    with pytest.raises(psycopg.Error) as caught:
        database.rows(f"select * from wikiembed.search('{source}', {arguments})")
    assert caught.value.sqlstate in {"WE001", "WE013"}, caught.value
    return str(caught.value.diag.message_primary)


def test_search_by_vector_finds_the_nearest_first(docs: Database) -> None:
    """With distance and rank; rows without a vector are left out."""
    rows = docs.rows(
        "select key, round(distance::numeric, 3)::float, vector_rank, text_rank, is_current"
        f" from wikiembed.search('docs', '{vec(1, 0)}')"
    )
    assert [row[0] for row in rows] == ["1", "2", "5", "3", "4"]
    assert rows[0] == ("1", 0.0, 1, None, True)
    assert rows[-1] == ("4", 1.0, 5, None, True)


def test_search_by_text_finds_rows_that_wait_for_their_vector(docs: Database) -> None:
    """The row with both words is first; whether it is current is said."""
    rows = docs.rows(FOUND.format("p_text => 'why does a honey bee dance'"))
    assert rows[0] == ("6", None, 1, False)
    assert {row[0] for row in rows} == {"1", "3", "6"}


def test_search_fuses_the_shares_of_each_side(docs: Database) -> None:
    """By vector from the nearest, 1, to the farthest, 0; by text BM25+ ÷ all weights."""
    statement = (
        "select key, score, distance, vector_rank, text_rank from wikiembed.search("
        "'docs', '{}', 'honey dance nowhere', 10, null, {}, {})"
    )
    rows = docs.rows(statement.format(vec(1, 0), 2, 0))
    assert [row[1] for row in rows] == pytest.approx([2 / (60 + row[3]) for row in rows])
    alone = docs.rows(statement.format(vec(1, 0), 0, 0.5))
    assert [row[1] for row in alone] == pytest.approx([0.5 / (60 + row[4]) for row in alone])
    rows = docs.rows(statement.format(vec(1, 0), 2, 0.5))
    assert rows[0][0] == "1"
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)
    distances = {row[0]: row[2] for row in rows}
    assert set(distances) == set("123456")
    farthest = max(distance for distance in distances.values() if distance is not None)
    # Three rows match: "honey" is in all (ln 2), "dance" in one (ln 4), "nowhere" in none (ln 4).
    lengths = {"1": 4, "3": 5, "6": 5}
    words = {"1": 1, "3": 1, "6": 3}
    by_text = {
        key: words[key] * (1 + 2.2 / (1 + 1.2 * (0.25 + 0.75 * length / (14 / 3)))) / 5
        for key, length in lengths.items()
    }
    assert {row[0]: 61 * row[1] for row in rows} == pytest.approx(
        {
            key: (0 if distance is None else 2 * (1 - distance / farthest))
            + 0.5 * by_text.get(key, 0)
            for key, distance in distances.items()
        }
    )


def test_search_with_a_weight_of_0_leaves_that_side_out(docs: Database) -> None:
    """So that an application can choose without another statement."""
    by_text = found(docs, f"'{vec(0, 1)}', 'honey', p_vector_weight => 0")
    assert sorted(by_text) == ["1", "3", "6"]
    by_vector = found(docs, f"'{vec(0, 1)}', 'honey', 1, p_text_weight => 0")
    assert by_vector == ["4"]


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        ('{"tenant": 1}', {"1", "2"}),
        ('{"tenant": [1, 2], "lang": "de"}', {"5"}),
        ('{"tenant": {"gte": 2}}', {"3", "4", "5"}),
        ('{"tenant": {"gt": 1, "lt": 3}, "lang": ["en", null]}', {"3", "4"}),
        ('{"tenant": []}', set()),
        ('{"lang": null}', set()),
        ("{}", {"1", "2", "3", "4", "5"}),
    ],
)
def test_search_by_vector_is_filtered(docs: Database, condition: str, keys: set[str]) -> None:
    """Equal, one of a list, in a range, null."""
    hits = found(docs, f"'{vec(1, 0)}', p_filter => '{condition}'")
    assert set(hits) == keys


def test_search_by_text_is_filtered(docs: Database) -> None:
    """Before words are counted, not after."""
    assert found(docs, """p_text => 'honey', p_filter => '{"tenant": 2}'""") == ["3"]
    assert found(docs, """p_text => 'honey', p_filter => '{"lang": null}'""") == ["6"]


def test_search_quotes_hostile_names_and_values(docs: Database) -> None:
    """A filter is never SQL text."""
    docs.execute('alter table public.docs add column "a""; drop table docs; --" text')
    docs.execute("""update public.docs set "a""; drop table docs; --" = 'x'' or true --'""")
    condition = """{"a\\"; drop table docs; --": "x'' or true --"}"""
    assert len(found(docs, f"'{vec(1, 0)}', p_filter => '{condition}'")) == 5
    other = """{"lang": "en'' or ''1''=''1"}"""
    assert found(docs, f"'{vec(1, 0)}', p_filter => '{other}'") == []
    nothing = """p_text => 'x'') or true -- \\ '':* & | ! ( <->'"""
    assert found(docs, nothing) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("null", "a search needs p_query, p_text or both"),
        ("p_text => ' '", "the text to search for is empty"),
        (f"'{[1, 2]}'", f'the vectors of source "docs" have {DIMENSIONS} dimensions'),
        ("p_text => 'a', p_limit => 0", "p_limit must be from 1 to 1,000, not 0"),
        ("p_text => 'a', p_limit => 1000000", "p_limit must be from 1 to 1,000, not 1000000"),
        ("p_text => 'a', p_limit => null", "p_limit must be from 1 to 1,000, not null"),
        ("p_text => 'a', p_text_weight => -1", "weights must be from 0 to 1,000"),
        ("p_text => 'a', p_per_document => true", 'source "docs" has no documents'),
        ("p_text => 'a', p_filter => '[]'", "a filter must be a JSON object"),
        ("""p_text => 'a', p_filter => '{"no": 1}'""", 'no column "no" to filter by'),
        (
            """p_text => 'a', p_filter => '{"tenant": "x"}'""",
            'is of type integer, which "x" is not',
        ),
        ("""p_text => 'a', p_filter => '{"tenant": {"near": 1}}'""", "has gt, gte, lt or lte"),
        ("""p_text => 'a', p_filter => '{"tenant": [[1]]}'""", "cannot be compared with [1]"),
    ],
)
def test_search_refuses_what_cannot_be_run(docs: Database, arguments: str, message: str) -> None:
    """One sentence each."""
    assert message in refused(docs, arguments)


def test_search_refuses_an_unknown_source(docs: Database) -> None:
    """As every function does."""
    assert refused(docs, "p_text => 'a'", "nope") == 'no source is named "nope"'


def test_search_by_text_needs_its_index(docs_table: Database) -> None:
    """The message names the command."""
    assert refused(docs_table, "p_text => 'a'") == 'source "docs" has no index for search by text'


def test_search_of_many_words_is_bounded(docs: Database) -> None:
    """10,000 characters of question are searched for by their first words."""
    assert found(docs, "p_text => repeat('honey word ', 20000)")[:1] == ["1"]


def test_search_filters_by_columns_of_its_own_types(docs: Database) -> None:
    """Enums, domains, arrays, times, jsonb and types of other schemas are compared as their own."""
    docs.execute("""
        create schema other; create type other.mood as enum ('sad', 'glad');
        create domain other.small as integer check (value < 10);
        alter table public.docs add column m other.mood, add column d other.small,
          add column a text[], add column t timestamptz, add column c char(3), add column j jsonb;
        update public.docs
           set m = 'glad', d = 3, a = '{x,y}', t = '2030-01-01', c = 'ab', j = '{"k": 1}'
         where id = 2;
    """)
    for condition in (
        '{"m": "glad"}', '{"m": {"gt": "sad"}}', '{"d": [3]}', '{"a": "{x,y}"}',
        '{"t": {"gte": "2029-01-01", "lte": "2031-01-01"}}', '{"c": "ab"}', '{"j": {"k": 1}}',
    ):  # fmt: skip
        hits = found(docs, f"'{vec(1, 0)}', p_filter => '{condition}'")
        assert hits == ["2"], condition
    assert "is of type other.small" in refused(docs, """p_text => 'a', p_filter => '{"d": 11}'""")


def test_search_by_text_in_a_language_without_spaces(database: Database) -> None:
    """Pairs of letters: a word is found within a longer run, and in Korean with its particle."""
    make_source(database)
    database.execute(
        "insert into public.docs (body) values (%s), (%s), (%s), (%s)",
        [
            "꿀벌은 꽃에서 꿀을 모은다.",
            "서울은 대한민국의 수도이다.",
            "東京都は日本の首都である。",
            "A locomotive from 1829.",
        ],
    )
    index_text(database, "docs", "trigram")
    for question, key in (
        ("꽃은 어디에", "1"), ("대한민국 수도", "2"), ("日本", "3"), ("京都", "3"),
        ("Locomotive", "4"),
    ):  # fmt: skip
        assert (question, *found(database, f"p_text => '{question}'")[:1]) == (question, key)


@pytest.fixture
def articles(database: Database) -> Database:
    """Two documents of two tenants, of three and of one chunk, with vectors."""
    database.execute(f"""
        create table public.articles (
          tenant integer, id integer, title text, body text, primary key (tenant, id));
        select wikiembed.attach_documents('public.articles', array['tenant', 'id']::name[],
          array['body'], 'articles', 'title', p_dimensions => {DIMENSIONS});
        insert into public.articles
        values (1, 1, 'Bees', 'Honey. Hive. Queen.'), (2, 1, 'Trains', 'Steam.');
        insert into public.articles_chunks (document_tenant, document_id, position, context,
                                            content, heading, starts_at, ends_at, embedding)
        values (1, 1, 0, 'Bees', 'Honey.', 'Food', 0, 6, '{vec(1, 0)}'),
               (1, 1, 1, 'Bees', 'Hive.', '', 7, 12, '{vec(0.9, 0.1)}'),
               (1, 1, 2, 'Bees', 'Queen.', '', 13, 19, '{vec(0.8, 0.2)}'),
               (2, 1, 0, 'Trains', 'Steam.', '', 0, 6, '{vec(0, 1)}');
    """)
    index_text(database, "articles", "english")
    return database


def test_search_of_documents_returns_where_a_chunk_is(articles: Database) -> None:
    """The document's key and title, heading, position and offsets; content without its context."""
    hit = articles.rows(
        "select document_key, title, heading, content, position, starts_at, ends_at"
        f" from wikiembed.search('articles', '{vec(1, 0)}', p_limit => 1)"
    )
    assert hit == [("[1, 1]", "Bees", "Food", "Honey.", 0, 0, 6)]


def test_search_of_documents_returns_each_once_on_request(articles: Database) -> None:
    """Its best chunk, by vector as by both."""
    for text in ("null", "'bees'"):
        hits = articles.rows(
            "select document_key, content from wikiembed.search("
            f"'articles', '{vec(1, 0)}', {text}, 2, p_per_document => true)"
        )
        assert hits == [("[1, 1]", "Honey."), ("[2, 1]", "Steam.")]


def test_search_fills_its_limit_with_documents(articles: Database) -> None:
    """Also where one document has all of the nearest chunks."""
    articles.execute(f"""
        insert into public.articles_chunks (document_tenant, document_id, position, content,
                                            heading, starts_at, ends_at, embedding)
        select 1, 1, 2 + i, 'More.', '', 0, 5, '{vec(1, 0)}' from generate_series(1, 500) as i
    """)
    hits = articles.rows(
        "select document_key from wikiembed.search("
        f"'articles', '{vec(1, 0)}', p_limit => 2, p_per_document => true)"
    )
    assert hits == [("[1, 1]",), ("[2, 1]",)]


def test_search_of_documents_is_filtered_by_their_columns(articles: Database) -> None:
    """A column of the document's table that its chunks do not have."""
    hits = articles.rows(
        "select document_key from wikiembed.search('articles', p_text => 'bees trains',"
        """ p_filter => '{"title": "Trains"}')"""
    )
    assert hits == [("[2, 1]",)]


def test_search_follows_a_renamed_column(articles: Database) -> None:
    """Of the documents as of their chunks."""
    articles.execute("""
        alter table public.articles rename column title to name;
        alter table public.articles_chunks rename column embedding to vec;
        select wikiembed.reconcile('articles');
    """)
    hit = articles.rows(
        f"select title from wikiembed.search('articles', '{vec(1, 0)}', p_limit => 1)"
    )
    assert hit == [("Bees",)]


def test_search_holds_to_row_level_security(articles: Database) -> None:
    """A reader of one tenant never sees another's rows, titles or numbers of words."""
    reader = articles.create_role("tenant_reader", grant="reader")
    articles.execute(f"""
        grant usage on schema public to {reader};
        grant select on public.articles, public.articles_chunks to {reader};
        alter table public.articles enable row level security;
        alter table public.articles_chunks enable row level security;
        create policy one on public.articles for select to {reader} using (tenant = 2);
        create policy one on public.articles_chunks for select to {reader}
          using (document_tenant = 2);
    """)
    searches = (
        f"'{vec(1, 0)}'", f"'{vec(1, 0)}', 'bees honey steam'", "p_text => 'bees honey steam'",
        """p_text => 'steam', p_filter => '{"title": ["Bees", "Trains"]}'""",
        f"""'{vec(1, 0)}', p_filter => '{{"document_tenant": [1, 2]}}'""",
        f"'{vec(1, 0)}', p_per_document => true",
    )  # fmt: skip
    statement = "select document_key, title, score from wikiembed.search('articles', {})"
    with articles.connect(role=reader) as connection:
        seen = [connection.execute(statement.format(one).encode()).fetchall() for one in searches]
        assert connection.execute(
            b"""select * from wikiembed.search('articles', p_text => 'honey')"""
        ).fetchall() == []  # fmt: skip
    assert [{row[:2] for row in rows} for rows in seen] == [{("[2, 1]", "Trains")}] * len(searches)
    articles.execute("delete from public.articles where tenant = 1")
    with articles.connect(role=reader) as connection:
        after = [connection.execute(statement.format(one).encode()).fetchall() for one in searches]
    assert after == seen


def test_search_needs_the_right_to_read_the_chunks(articles: Database) -> None:
    """grant_reader alone does not let a role read a table; titles need the documents' table."""
    reader = articles.create_role("chunk_reader", grant="reader")
    articles.execute(f"grant usage on schema public to {reader}")
    statement = f"select title from wikiembed.search('articles', '{vec(1, 0)}', p_limit => 1)"
    with articles.connect(role=reader) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
        articles.execute(f"grant select on public.articles_chunks to {reader}")
        assert connection.execute(statement.encode()).fetchall() == [(None,)]
        articles.execute(f"grant select on public.articles to {reader}")
        assert connection.execute(statement.encode()).fetchall() == [("Bees",)]


def test_search_of_a_partitioned_table(database: Database) -> None:
    """A row is known by its partition and its place in it."""
    database.execute(f"""
        create table public.docs (
          id bigint, part integer, body text, vec public.vector({DIMENSIONS}),
          primary key (part, id)
        ) partition by list (part);
        create table public.docs_1 partition of public.docs for values in (1);
        create table public.docs_2 partition of public.docs for values in (2);
        select wikiembed.attach(
          'public.docs', array['part', 'id']::name[], array['body'], 'vec', 'docs');
        insert into public.docs
        values (1, 1, 'Honey.', '{vec(1, 0)}'), (1, 2, 'Honey jar.', '{vec(0.9, 0.1)}'),
               (2, 2, 'Steam.', '{vec(0, 1)}');
    """)
    index_text(database, "docs", "simple")
    assert found(database, f"'{vec(1, 0)}'") == ["[1, 1]", "[2, 1]", "[2, 2]"]
    assert found(database, f"'{vec(1, 0)}', 'honey', 2") == ["[1, 1]", "[2, 1]"]
