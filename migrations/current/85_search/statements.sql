-- The statements of a source are written once, since rendering them costs as much as a search. They name rows by
-- table and place (tableoid, ctid), which one snapshot holds still.
create or replace function wikiembed_private.write_search(p_name text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources;
  v_documents wikiembed.document_sources;
  v_more jsonb;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  select d.* into v_documents from wikiembed.document_sources as d where d.source = p_name collate "default";
  v_more := jsonb_build_object(
    'distance', wikiembed_private.render_template(v_source, 't.@embedding@ operator(@vector_schema@.<=>) $1@vector_cast@'),
    'hit_distance', wikiembed_private.render_template(v_source, 't.@embedding@ operator(@vector_schema@.<=>) $7@vector_cast@'));
  if v_documents.source is null then
    v_more := v_more || jsonb_build_object(
      'document', 'null::text', 'content', wikiembed_private.text_expression(v_source, 't'),
      'place', 'null::text, null::integer, null::integer, null::integer');
  else
    v_more := v_more || jsonb_build_object(
      'document', (select case when count(*) = 1 then min(format('t.%I::text', k.name))
                               else format('jsonb_build_array(%s)::text', string_agg(format('t.%I', k.name), ', ' order by k.number)) end
                     from unnest(wikiembed_private.chunk_key_columns(p_name)) with ordinality as k (name, number)),
      'content', 't.content', 'place', 't.heading, t.position, t.starts_at, t.ends_at');
  end if;
  if v_source.text_config is not null then
    v_more := v_more || jsonb_build_object(
      'words', wikiembed_private.indexed_text(v_source, 't', v_source.text_config), 'matches', '@@');
  end if;
  insert into wikiembed.search_statements as s (
    source, dimensions, text_config, documents, title_column, vector_statement, exact_statement, text_statement,
    hits_statement, titled_hits_statement, documents_statement, ef_search, sample_statement)
  values (
    p_name, (select a.atttypmod from pg_attribute as a where a.attrelid = v_source.relation and a.attnum = v_source.embedding_attnum),
    v_source.text_config, v_documents.relation, v_documents.title_column,
    wikiembed_private.search_by_vector(v_source, v_more, '@distance@'),
    wikiembed_private.search_by_vector(v_source, v_more, '(@distance@) + 0'),
    case when v_source.text_config is not null then wikiembed_private.search_by_text(v_source, v_more) end,
    wikiembed_private.search_hits(v_source, v_more, 'null::text', ''),
    case when v_documents.title_column is not null then
      wikiembed_private.search_hits(v_source, v_more, format('d.%I::text', v_documents.title_column), format('left join %s as d on %s',
        wikiembed_private.qualified(v_documents.relation),
        (select string_agg(format('d.%I = t.%I', k.name, k.chunk), ' and ' order by k.number)
           from unnest(v_documents.key_columns, wikiembed_private.chunk_key_columns(p_name)) with ordinality as k (name, chunk, number)))) end,
    case when v_documents.source is not null then
      wikiembed_private.render_template(v_source,
        'select count(distinct @document@) from unnest($1, $2) as r (rel, tid) join @table@ as t on t.ctid = r.tid and t.tableoid = r.rel', v_more) end,
    v_source.ef_search,
    wikiembed_private.render_template(v_source,
      'select @key_of(t)@, t.@embedding@::@vector_schema@.vector from @table@ as t tablesample system ($1) repeatable ($3)'
      ' where t.@embedding@ is not null order by random() limit $2'))
  on conflict (source) do update
     set dimensions = excluded.dimensions, text_config = excluded.text_config, documents = excluded.documents,
         title_column = excluded.title_column, vector_statement = excluded.vector_statement, exact_statement = excluded.exact_statement,
         text_statement = excluded.text_statement, hits_statement = excluded.hits_statement,
         titled_hits_statement = excluded.titled_hits_statement, documents_statement = excluded.documents_statement,
         ef_search = excluded.ef_search, sample_statement = excluded.sample_statement;
end;
$$;
comment on function wikiembed_private.write_search(text) is
  'Writes the statements with which a source is searched.';

create or replace function wikiembed_private.search_by_vector(p_source wikiembed.sources, p_more jsonb, p_order text) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select array[
    wikiembed_private.render_template(p_source,
      'select array_agg(v.rel), array_agg(v.tid) from (select t.tableoid as rel, t.ctid as tid from @table@ as t'
      ' where t.@embedding@ is not null', p_more),
    wikiembed_private.render_template(p_source, ' order by ' || p_order || ' limit $2) as v', p_more)];
$$;
comment on function wikiembed_private.search_by_vector(wikiembed.sources, jsonb, text) is
  'The statement that finds the rows nearest to a vector, before and after the filter.';

-- First the rows with the rarest words, from the index alone; then the best of them by BM25 (k1 1.2, b 0.75), which
-- needs their texts. How rare a word is, the rows that the caller may see say.
create or replace function wikiembed_private.search_by_text(p_source wikiembed.sources, p_more jsonb) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select array[
    wikiembed_private.render_template(p_source, $template$
      with matches as materialized (
        select w.number, m.rel, m.tid
          from unnest($1) with ordinality as w (query, number)
         cross join lateral (
           select t.tableoid as rel, t.ctid as tid from @table@ as t where @words@ @matches@ w.query$template$, p_more),
    wikiembed_private.render_template(p_source, $template$ limit $2) as m
      ), counted as (
        select m.number, count(*) as rows, count(*) < $2 as rare from matches as m group by m.number
      ), weighed as materialized (
        select c.number, ln(1 + (select count(distinct (m.rel, m.tid)) from matches as m)::double precision / c.rows) as weight,
               c.rare or not exists (select from counted as o where o.rare) as selects
          from counted as c
      ), best as materialized (
        select m.rel, m.tid, sum(w.weight) as weight
          from matches as m join weighed as w on w.number = m.number and w.selects
         group by m.rel, m.tid
         order by 3 desc, 1, 2
         limit 2 * $3
      ), read as materialized (
        select b.rel, b.tid, @words@ as words
          from best as b join @table@ as t on t.ctid = b.tid and t.tableoid = b.rel
      ), ranked as (
        select r.rel, r.tid, sum(w.weight * 2.2 * f.times / (f.times + 1.2 * (0.25 + 0.75 * length(r.words) / r.mean))) as score
          from (select r.*, greatest(avg(length(r.words)) over (), 1) as mean from read as r) as r
         cross join unnest($1) with ordinality as q (query, number)
          join weighed as w on w.number = q.number
         cross join lateral (
           select greatest(cardinality(u.positions), 1)::double precision as times
             from unnest(r.words) as u
            where q.query = ('''' || replace(replace(u.lexeme, '\', '\\'), '''', '''''') || '''')::tsquery) as f
         group by r.rel, r.tid
         order by 3 desc, 1, 2
         limit $3
      )
      select array_agg(r.rel), array_agg(r.tid) from ranked as r$template$, p_more)];
$$;
comment on function wikiembed_private.search_by_text(wikiembed.sources, jsonb) is
  'The statement that finds the rows which match words best, before and after the filter.';

create or replace function wikiembed_private.search_hits(p_source wikiembed.sources, p_more jsonb, p_title text, p_join text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.render_template(p_source, $template$
    select h.key, h.content, h.score, h.distance, h.vector_rank, h.text_rank, h.is_current, h.document, h.title, h.heading, h.position,
           h.starts_at, h.ends_at
      from (
        select @key_of(t)@, @content@, f.score, (@hit_distance@)::double precision, f.vector_rank, f.text_rank,
               t.@embedding@ is not null, @document@, @title@, @place@,
               case when $9 then row_number() over (partition by @document@ order by f.score desc, f.vector_rank, f.text_rank) else 1 end
          from (
            select coalesce(v.rel, x.rel) as rel, coalesce(v.tid, x.tid) as tid, v.rank as vector_rank, x.rank as text_rank,
                   coalesce($5 / (60 + v.rank), 0) + coalesce($6 / (60 + x.rank), 0) as score
              from unnest($1, $2) with ordinality as v (rel, tid, rank)
              full join unnest($3, $4) with ordinality as x (rel, tid, rank) on x.rel = v.rel and x.tid = v.tid
             order by 5 desc, 3, 4
             limit case when $9 then null else $8 end
          ) as f
          join @table@ as t on t.ctid = f.tid and t.tableoid = f.rel
          @join@
      ) as h (key, content, score, distance, vector_rank, text_rank, is_current, document, title, heading, position, starts_at, ends_at, place)
     where h.place = 1
     order by h.score desc, h.vector_rank, h.text_rank
     limit $8$template$, p_more || jsonb_build_object('title', p_title, 'join', p_join));
$$;
comment on function wikiembed_private.search_hits(wikiembed.sources, jsonb, text, text) is
  'The statement that fuses rows found by vector and by text, and returns them as hits.';
