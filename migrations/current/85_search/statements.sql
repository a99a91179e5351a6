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
  v_join text := '';
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
  if v_documents.title_column is not null then
    v_join := format('left join %s as d on %s', wikiembed_private.qualified(v_documents.relation),
      (select string_agg(format('d.%I = t.%I', k.name, k.chunk), ' and ' order by k.number)
         from unnest(v_documents.key_columns, wikiembed_private.chunk_key_columns(p_name)) with ordinality as k (name, chunk, number)));
  end if;
  perform wikiembed_private.generate_search(
    v_source, v_more, case when v_join = '' then 'null::text' else format('d.%I::text', v_documents.title_column) end, v_join);
  insert into wikiembed.search_statements as s (
    source, relation, dimensions, text_config, documents, title_column, vector_statement, exact_statement, text_statement,
    hits_statement, titled_hits_statement, documents_statement, ef_search, sample_statement,
    quantised_index, quantised_statement, oversampling)
  values (
    p_name, v_source.relation, wikiembed_private.declared_dimensions(v_source),
    v_source.text_config, v_documents.relation, v_documents.title_column,
    wikiembed_private.search_by_vector(v_source, v_more, '@distance@'),
    wikiembed_private.search_by_vector(v_source, v_more, '(@distance@) + 0'),
    case when v_source.text_config is not null then wikiembed_private.search_by_text(v_source, v_more) end,
    wikiembed_private.search_hits(v_source, v_more, 'null::text', ''),
    case when v_documents.title_column is not null then
      wikiembed_private.search_hits(v_source, v_more, format('d.%I::text', v_documents.title_column), v_join) end,
    case when v_documents.source is not null then
      wikiembed_private.render_template(v_source,
        'select count(distinct @document@) from unnest($1, $2) as r (rel, tid) join @table@ as t on t.ctid = r.tid and t.tableoid = r.rel', v_more) end,
    v_source.ef_search,
    wikiembed_private.render_template(v_source,
      'select @key_of(t)@, t.@embedding@::@vector_schema@.vector from @table@ as t tablesample system ($1) repeatable ($3)'
      ' where t.@embedding@ is not null order by random() limit $2'),
    (select format('%I.%I', i.index_schema, i.index_name) from wikiembed.vector_indexes(p_name) as i
      where i.is_valid and i.quantise = v_source.quantise
      order by (i.index_name = 'wikiembed_' || v_source.quantise || '_' || p_name) desc, 1 limit 1),
    wikiembed_private.search_quantised(v_source, v_more), wikiembed_private.oversampling(v_source.quantise))
  on conflict (source) do update
     set relation = excluded.relation, dimensions = excluded.dimensions, text_config = excluded.text_config, documents = excluded.documents,
         title_column = excluded.title_column, vector_statement = excluded.vector_statement, exact_statement = excluded.exact_statement,
         text_statement = excluded.text_statement, hits_statement = excluded.hits_statement,
         titled_hits_statement = excluded.titled_hits_statement, documents_statement = excluded.documents_statement,
         ef_search = excluded.ef_search, sample_statement = excluded.sample_statement,
         quantised_index = excluded.quantised_index, quantised_statement = excluded.quantised_statement,
         oversampling = excluded.oversampling;
end;
$$;
comment on function wikiembed_private.write_search(text) is
  'Writes the statements with which a source is searched.';

-- The usual search has a function, since a plan that is kept costs less than one that is made for each
-- search. The inner limit is for the planner, which does not know the outer one.
create or replace function wikiembed_private.generate_search(p_source wikiembed.sources, p_more jsonb, p_title text, p_join text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_candidates text := wikiembed_private.quantised_distance(p_source, p_source.quantise, 'p_query');
begin
  p_more := p_more || jsonb_build_object(
    'distance', wikiembed_private.render_template(p_source, 't.@embedding@ operator(@vector_schema@.<=>) p_query@vector_cast@'));
  perform wikiembed_private.generate_nearest(p_source, p_more, p_title, p_join, '@search@', '', $template$
                select t.*, (@distance@)::double precision as wikiembed_distance
                  from @table@ as t
                 where t.@embedding@ is not null
                 order by @distance@
                 limit 1000$template$);
  -- The function of a source that is no longer searched by a quantised index stays: a search may be about to call it.
  if v_candidates is null then
    return;
  end if;
  perform wikiembed_private.generate_nearest(
    p_source, p_more || jsonb_build_object('candidates', v_candidates), p_title, p_join, '@rerank@', ', p_candidates integer', $template$
                select t.*, (@distance@)::double precision as wikiembed_distance
                  from (
                    select t.*
                      from (
                        select t.*
                          from @table@ as t
                         where t.@embedding@ is not null
                         order by @candidates@
                         limit 1000
                      ) as t
                     limit p_candidates
                  ) as t
                 order by @distance@$template$);
end;
$$;
comment on function wikiembed_private.generate_search(wikiembed.sources, jsonb, text, text) is
  'Generates the functions that search a source by vector alone, without a filter: search_SOURCE, and rerank_SOURCE where it is searched by a quantised index.';

create or replace function wikiembed_private.generate_nearest(
  p_source wikiembed.sources, p_more jsonb, p_title text, p_join text, p_function text, p_parameters text, p_nearest text
) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_hits constant text := $template$
      return query
        select @key_of(t)@, @content@, p_weight / (60 + t.wikiembed_rank), t.wikiembed_distance, t.wikiembed_rank, null::bigint, true,
               @document@, @title@, @place@
          from (
            select t.*, row_number() over () as wikiembed_rank
              from (@nearest@
              ) as t
             limit p_limit
          ) as t
          @join@
         order by t.wikiembed_rank$template$;
begin
  p_more := p_more || jsonb_build_object('nearest', wikiembed_private.render_template(p_source, p_nearest, p_more));
  execute wikiembed_private.render_template(
    p_source,
    replace($template$
    create or replace function wikiembed_private.@function@(
      p_query @vector_schema@.vector, p_limit integer, p_weight double precision, p_titled boolean@parameters@
    ) returns table (
      key text, content text, score double precision, distance double precision, vector_rank bigint, text_rank bigint, is_current boolean,
      document_key text, title text, heading text, "position" integer, starts_at integer, ends_at integer
    )
    language plpgsql stable security invoker
    set search_path = pg_catalog, pg_temp
    as $body$
    #variable_conflict use_column
    begin
      if p_titled then @titled@;
      else @plain@;
      end if;
    end;
    $body$
  $template$, '@function@', p_function),
    jsonb_build_object(
      'parameters', p_parameters,
      'titled', wikiembed_private.render_template(p_source, v_hits, p_more || jsonb_build_object('title', p_title, 'join', p_join)),
      'plain', wikiembed_private.render_template(p_source, v_hits, p_more || '{"title": "null::text", "join": ""}')));
end;
$$;
comment on function wikiembed_private.generate_nearest(wikiembed.sources, jsonb, text, text, text, text, text) is
  'Generates a function that returns the rows of p_nearest, a template of the rows nearest to p_query, as hits; p_parameters are more parameters than p_query, p_limit, p_weight and p_titled.';

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
-- needs their texts. How rare a word is, the rows that the caller may see say. The share of a row, for a search by
-- both, is BM25+ (which adds 1 for each word that is there) ÷ the weights of all words of the question: 2 for a row of
-- mean length that has each word once. A word that no row has counts as one that a single row has.
create or replace function wikiembed_private.search_by_text(p_source wikiembed.sources, p_more jsonb) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select array[
    wikiembed_private.render_template(p_source, $template$
      with matches as materialized (
        select w.number, m.rel, m.tid
          from unnest($1) with ordinality as w (word, number)
         cross join lateral (select ('''' || replace(replace(w.word, '\', '\\'), '''', '''''') || '''')::tsquery as query) as q
         cross join lateral (
           select t.tableoid as rel, t.ctid as tid from @table@ as t where @words@ @matches@ q.query$template$, p_more),
    wikiembed_private.render_template(p_source, $template$ limit $2) as m
      ), counted as (
        select m.number, count(*) as rows, count(*) < $2 as rare from matches as m group by m.number
      ), matched as (
        select count(distinct (m.rel, m.tid))::double precision as rows from matches as m
      ), weighed as materialized (
        select c.number, ln(1 + a.rows / c.rows) as weight,
               c.rare or not exists (select from counted as o where o.rare) as selects
          from counted as c, matched as a
      ), whole as (
        select sum(w.weight) + (cardinality($1) - count(*)) * ln(1 + min(a.rows)) as weight from weighed as w, matched as a
      ), best as materialized (
        select m.rel, m.tid, sum(w.weight) as weight
          from matches as m join weighed as w on w.number = m.number and w.selects
         group by m.rel, m.tid
         order by 3 desc, 1, 2
         limit $3
      ), read as materialized (
        select b.rel, b.tid, @words@ as words
          from best as b join @table@ as t on t.ctid = b.tid and t.tableoid = b.rel
      ), ranked as (
        select r.rel, r.tid, sum(w.weight) as present,
               sum(w.weight * 2.2 * f.times / (f.times + 1.2 * (0.25 + 0.75 * length(r.words) / r.mean))) as score
          from (select r.*, greatest(avg(length(r.words)) over (), 1) as mean from read as r) as r
         cross join lateral (
           select q.number, greatest(cardinality(u.positions), 1)::double precision as times
             from unnest(r.words) as u join unnest($1) with ordinality as q (word, number) on q.word = u.lexeme) as f
          join weighed as w on w.number = f.number
         group by r.rel, r.tid
         order by score desc, 1, 2
         limit $3
      )
      select array_agg(r.rel order by r.score desc, r.rel, r.tid), array_agg(r.tid order by r.score desc, r.rel, r.tid),
             array_agg((r.present + r.score) / a.weight order by r.score desc, r.rel, r.tid)
        from ranked as r, whole as a$template$, p_more)];
$$;
comment on function wikiembed_private.search_by_text(wikiembed.sources, jsonb) is
  'The statement that finds the rows which match words best, before and after the filter.';

-- By both, what is added are shares and not the reciprocals of ranks, which differ too little: a row in both lists is
-- before the first of either, however far down it is (docs/design/search.md). The unit is that of ranks: a share of 1
-- is the first rank of a list, so that hits of several sources can be merged.
create or replace function wikiembed_private.search_hits(p_source wikiembed.sources, p_more jsonb, p_title text, p_join text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.render_template(p_source, $template$
    select h.key, h.content, h.score, h.distance, h.vector_rank, h.text_rank, h.is_current, h.document, h.title, h.heading, h.position,
           h.starts_at, h.ends_at
      from (
        select @key_of(t)@, @content@, f.score, f.distance, f.vector_rank, f.text_rank,
               t.@embedding@ is not null, @document@, @title@, @place@,
               case when $9 then row_number() over (partition by @document@ order by f.score desc, f.vector_rank, f.text_rank) else 1 end
          from (
            select c.rel, c.tid, c.vector_rank, c.text_rank, c.distance,
                   case when $1 is null or $3 is null then coalesce($5 / (60 + c.vector_rank), 0) + coalesce($6 / (60 + c.text_rank), 0)
                        else $5 / 61 * coalesce((c.farthest - c.distance) / nullif(c.farthest - c.nearest, 0), (c.distance = c.nearest)::integer, 0)
                           + $6 / 61 * coalesce(c.text_share, 0) end as score
              from (
                select c.rel, c.tid, c.vector_rank, c.text_rank, c.text_share, nullif(c.distance, 'nan') as distance,
                       max(nullif(c.distance, 'nan')) over () as farthest, min(c.distance) over () as nearest
                  from (
                    select coalesce(v.rel, x.rel) as rel, coalesce(v.tid, x.tid) as tid, v.rank as vector_rank, x.rank as text_rank,
                           x.share as text_share,
                           (select (@hit_distance@)::double precision from @table@ as t
                             where t.ctid = coalesce(v.tid, x.tid) and t.tableoid = coalesce(v.rel, x.rel)) as distance
                      from unnest($1, $2) with ordinality as v (rel, tid, rank)
                      full join unnest($3, $4, $10) with ordinality as x (rel, tid, share, rank) on x.rel = v.rel and x.tid = v.tid
                  ) as c
              ) as c
             order by score desc, c.vector_rank, c.text_rank
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
