-- A quantised index holds less of each vector than the table: halfvec two bytes a number, binary its sign alone.
-- A search takes as many candidates from it as hnsw.ef_search says, and orders them by the vectors of the table.
-- The expression is the same in the index and in the statements, and written as pg_get_indexdef writes it.
create or replace function wikiembed_private.quantised(p_source wikiembed.sources, p_quantise text, p_alias text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.render_template(
           p_source,
           case p_quantise when 'binary' then '(@vector_schema@.binary_quantize(@column@))::bit(@dimensions@)'
                           when 'halfvec' then '(@column@)::@vector_schema@.halfvec(@dimensions@)' end,
           jsonb_build_object(
             'column', case when p_alias = '' then '' else p_alias || '.' end || quote_ident(p_source.embedding_column),
             'dimensions', wikiembed_private.declared_dimensions(p_source)))
   where p_quantise is not null and wikiembed_private.declared_dimensions(p_source) > 0;
$$;
comment on function wikiembed_private.quantised(wikiembed.sources, text, text) is
  'Returns the SQL expression of a quantised vector, halfvec or binary, of a row with this alias, or of an index; null where the column declares no dimensions.';

create or replace function wikiembed_private.declared_dimensions(p_source wikiembed.sources) returns integer
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select a.atttypmod from pg_attribute as a where a.attrelid = p_source.relation and a.attnum = p_source.embedding_attnum;
$$;
comment on function wikiembed_private.declared_dimensions(wikiembed.sources) is
  'Returns the dimensions that a source''s embedding column declares; -1: none.';

create or replace function wikiembed_private.quantised_distance(p_source wikiembed.sources, p_quantise text, p_query text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select q.expression || wikiembed_private.render_template(
           p_source,
           case p_quantise when 'binary' then ' operator(@vector_schema@.<~>) @vector_schema@.binary_quantize(@query@)'
                           when 'halfvec' then ' operator(@vector_schema@.<=>) @query@::@vector_schema@.halfvec' end,
           jsonb_build_object('query', p_query))
    from (select '(' || wikiembed_private.quantised(p_source, p_quantise, 't') || ')' as expression) as q
   where q.expression is not null;
$$;
comment on function wikiembed_private.quantised_distance(wikiembed.sources, text, text) is
  'Returns the SQL expression of the distance by which a quantised index finds candidates, of a row named t; null where none can be.';

-- Of signs alone, a row among the ten nearest is often not among the ten nearest of the index.
create or replace function wikiembed_private.oversampling(p_quantise text) returns integer
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when p_quantise = 'binary' then 4 else 1 end;
$$;
comment on function wikiembed_private.oversampling(text) is
  'Returns how many candidates a search takes at least for each row that it is to find.';

create or replace function wikiembed_private.search_quantised(p_source wikiembed.sources, p_more jsonb) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select array[
           wikiembed_private.render_template(p_source,
             'select array_agg(v.rel), array_agg(v.tid) from (select t.rel, t.tid from ('
             'select t.tableoid as rel, t.ctid as tid, t.@embedding@ from @table@ as t where t.@embedding@ is not null', p_more),
           wikiembed_private.render_template(p_source,
             ' order by @candidates@ limit $3) as t order by @distance@ limit $2) as v', p_more || jsonb_build_object('candidates', q.distance))]
    from (select wikiembed_private.quantised_distance(p_source, p_source.quantise, '$1') as distance) as q
   where q.distance is not null;
$$;
comment on function wikiembed_private.search_quantised(wikiembed.sources, jsonb) is
  'The statement that finds the rows nearest to a vector by a quantised index, before and after the filter; null without one.';

create or replace function wikiembed.vector_indexes(p_source text) returns table (
  index_schema name, index_name name, is_valid boolean, quantise text, is_used boolean, options text
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  with found as materialized (
    select n.nspname, c.relname, i.indisvalid, coalesce(array_to_string(c.reloptions, ', '), '') as options, s.quantise as wanted,
           format('%I.%I', n.nspname, c.relname) as label, t.quantised_index,
           case when m.amname <> 'hnsw' or i.indpred is not null or i.indnkeyatts <> 1 then null
                when i.indexprs is null and o.opcname = s.embedding_type || '_cosine_ops' then 'none'
                when i.indexprs is null then null
                when o.opcname = 'bit_hamming_ops'
                 and pg_get_indexdef(i.indexrelid, 1, false) = '(' || wikiembed_private.quantised(s, 'binary', '') || ')' then 'binary'
                when o.opcname = 'halfvec_cosine_ops'
                 and pg_get_indexdef(i.indexrelid, 1, false) = '(' || wikiembed_private.quantised(s, 'halfvec', '') || ')' then 'halfvec' end as kind
      from wikiembed.sources as s
      join pg_index as i on i.indrelid = s.relation
      join pg_class as c on c.oid = i.indexrelid
      join pg_namespace as n on n.oid = c.relnamespace
      join pg_am as m on m.oid = c.relam and m.amname in ('hnsw', 'ivfflat')
      join pg_opclass as o on o.oid = i.indclass[0]
      left join wikiembed.search_statements as t on t.source = s.name
     where s.name = p_source collate "default"
       and (c.relname in ('wikiembed_hnsw_' || s.name, 'wikiembed_halfvec_' || s.name, 'wikiembed_binary_' || s.name)
            or exists (select from pg_depend as d
                        where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
                          and d.refclassid = 'pg_class'::regclass and d.refobjid = s.relation and d.refobjsubid = s.embedding_attnum))
  )
  select f.nspname, f.relname, f.indisvalid, f.kind,
         f.indisvalid and coalesce(
           case when f.kind = 'none'
                then not exists (select from found as q where q.indisvalid and q.kind = q.wanted and q.label = q.quantised_index)
                else f.kind = f.wanted and f.label = f.quantised_index end, false),
         f.options
    from found as f;
$$;
comment on function wikiembed.vector_indexes(text) is
  'The indexes of vectors on a source''s column: quantise is none, halfvec or binary, null for one that search cannot use; is_used is true for one that searches use now.';

create or replace function wikiembed_private.require_quantise(p_source wikiembed.sources, p_quantise text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_quantise is null or p_quantise not in ('none', 'halfvec', 'binary') then
    raise exception 'no kind of index of vectors is named "%"', p_quantise using errcode = 'WE013', hint = 'Kinds are none, halfvec and binary.';
  end if;
  if p_quantise = 'none' then
    return;
  end if;
  if to_regprocedure(format('%1$I.binary_quantize(%1$I.vector)', wikiembed_private.pgvector_schema())) is null then
    raise exception 'pgvector % has no quantised indexes, which need 0.7 or newer',
      (select e.extversion from pg_extension as e where e.extname = 'vector')
      using errcode = 'WE013', hint = 'Update it, `alter extension vector update`, or build the index without --quantise.';
  end if;
  if wikiembed_private.declared_dimensions(p_source) < 1 then
    perform wikiembed_private.refuse_undeclared(p_source);
  end if;
  if p_quantise = p_source.embedding_type then
    raise exception 'the vectors of source "%" are stored as halfvec already', p_source.name
      using errcode = 'WE013', hint = 'Build the index without --quantise, or give --quantise binary.';
  end if;
end;
$$;
comment on function wikiembed_private.require_quantise(wikiembed.sources, text) is
  'Refuses a kind of index with which a source cannot be searched. Raises WE013.';

create or replace function wikiembed_private.refuse_undeclared(p_source wikiembed.sources) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'column % of % declares no dimensions, which pgvector needs for an index',
    p_source.embedding_column, wikiembed_private.qualified(p_source.relation)
    using errcode = 'WE013', hint = format('Alter its type to %s(n).', p_source.embedding_type);
end;
$$;
comment on function wikiembed_private.refuse_undeclared(wikiembed.sources) is
  'Raises WE013 for a column that declares no dimensions.';

-- The limits of pgvector's hnsw: https://github.com/pgvector/pgvector#hnsw
create or replace function wikiembed.vector_index(p_source text, p_quantise text default 'none') returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources := wikiembed_private.get_source(p_source);
  v_most constant jsonb := '{"vector": 2000, "halfvec": 4000, "bit": 64000}';
  v_dimensions integer;
  v_type text;
begin
  perform wikiembed_private.require_table(v_source);
  perform wikiembed_private.require_quantise(v_source, p_quantise);
  v_dimensions := wikiembed_private.declared_dimensions(v_source);
  v_type := case p_quantise when 'binary' then 'bit' when 'halfvec' then 'halfvec' else v_source.embedding_type end;
  if v_dimensions < 1 then
    perform wikiembed_private.refuse_undeclared(v_source);
  end if;
  if v_dimensions > (v_most ->> v_type)::integer then
    raise exception 'source "%" has % dimensions and pgvector''s hnsw supports at most % of a %',
      p_source, to_char(v_dimensions, 'FM999,999'), to_char((v_most ->> v_type)::integer, 'FM999,999'), v_type
      using errcode = 'WE013',
            hint = case when v_dimensions > 64000 then 'Choose a model with fewer, or search without an index.'
                        when v_type = 'vector' and v_dimensions <= 4000 then 'Give --quantise halfvec, which may have 4,000, or --quantise binary.'
                        else 'Give --quantise binary, which may have 64,000.' end;
  end if;
  return wikiembed_private.render_template(
    v_source,
    case p_quantise when 'none' then 'using hnsw (@embedding@ @vector_schema@.@type@_cosine_ops)'
                    when 'halfvec' then 'using hnsw ((@expression@) @vector_schema@.halfvec_cosine_ops)'
                    else 'using hnsw ((@expression@) @vector_schema@.bit_hamming_ops)' end,
    jsonb_build_object('type', v_source.embedding_type, 'expression', wikiembed_private.quantised(v_source, p_quantise, '')));
end;
$$;
comment on function wikiembed.vector_index(text, text) is
  'Returns what follows `create index … on …` in the index of vectors that search uses: p_quantise none has the vectors as they are, halfvec and binary less of them. Raises WE001, WE013.';

create or replace function wikiembed.set_quantise(p_source text, p_quantise text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources := wikiembed_private.get_source(p_source);
begin
  perform wikiembed_private.require_table(v_source);
  perform wikiembed_private.require_quantise(v_source, p_quantise);
  if coalesce(v_source.quantise, 'none') <> p_quantise then
    update wikiembed.sources as s set quantise = nullif(p_quantise, 'none') where s.name = p_source returning s.* into v_source;
    delete from wikiembed.recall_checks as c where c.source = p_source;
  end if;
  perform wikiembed_private.write_search(p_source);
  perform wikiembed_private.revoke_generated(v_source);
  perform wikiembed_private.grant_search(v_source, r.role) from wikiembed_private.reader_roles() as r (role);
end;
$$;
comment on function wikiembed.set_quantise(text, text) is
  'Has a source searched by a quantised index of vectors, halfvec or binary, which `wikiembed index --quantise` has built, or again by a plain one: none. While no valid index of that kind is there, searches use a plain one, or compare every row. Forgets the recall that was measured. Raises WE001, WE013.';
