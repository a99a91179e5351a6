-- A document's chunks are sound when they are as many as were written, at positions 0, 1, 2 …, ever farther in
-- the text, and each is the text from its start to its end. `substr` counts characters from the start of a text,
-- so that texts of many chunks are cut twice before: into pieces of 2^20 characters, and those into pieces of
-- 2^14; a chunk is cut from the pieces that it touches. None is found while a column of the chunk table is renamed.
create or replace function wikiembed_private.damaged_documents(p_name text) returns setof text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
begin
  if (select wikiembed_private.missing_chunk_columns(s.relation, '{}') from wikiembed.sources as s where s.name = p_name collate "default") is not null then
    return;
  end if;
  return query execute wikiembed_private.render_template(wikiembed_private.document_row(p_name), $sql$
    with chunked as materialized (
      select @fk_key@ collate "C" as key, c.position, c.starts_at, c.ends_at from @chunks@ as c
    ), hashed as materialized (
      select s.key, s.chunks
        from @table@ as d
       cross join (select g.generation as v_generation from wikiembed.document_sources as g where g.source = @source@) as g
        join @state@ as s on s.key = @key_of(d)@ collate "C" and s.version = @hash_d@
    ), large as materialized (
      select h.key, i as number, substr(@text_of(d)@, (i << 20) + 1, 1 << 20) as content
        from hashed as h join @table@ as d on @key_of(d)@ collate "C" = h.key,
             generate_series(0, (length(@text_of(d)@) - 1) >> 20) as i
       where h.chunks > 64
    ), small as materialized (
      select l.key, (l.number << 6) + i as number, substr(l.content, (i << 14) + 1, 1 << 14) as content
        from large as l, generate_series(0, (length(l.content) - 1) >> 14) as i
    ), touched as (
      select c.key, c.position, i as number, c.content, c.starts_at, c.ends_at
        from (select @fk_key@ collate "C" as key, c.position, c.content, c.starts_at, c.ends_at from @chunks@ as c) as c
        join hashed as h on h.key = c.key and h.chunks > 64,
             generate_series(c.starts_at >> 14, greatest(c.ends_at - 1, c.starts_at) >> 14) as i
    ), cut as (
      select t.key, t.content,
             coalesce(string_agg(substr(s.content, greatest(t.starts_at - (t.number << 14), 0) + 1,
                                        least(t.ends_at - (t.number << 14), 1 << 14) - greatest(t.starts_at - (t.number << 14), 0)),
                                 '' order by t.number), '') as slice
        from touched as t left join small as s on s.key = t.key and s.number = t.number
       group by t.key, t.position, t.starts_at, t.ends_at, t.content
    ), ordered as (
      select c.key, c.position, row_number() over w - 1 as number, c.ends_at <= lag(c.ends_at) over w as is_back
        from chunked as c
      window w as (partition by c.key order by c.position)
    )
    select h.key from hashed as h left join ordered as o on o.key = h.key
     group by h.key, h.chunks
    having count(o.key) <> h.chunks or coalesce(bool_or(o.position <> o.number or o.is_back), false)
     union
    select h.key from @chunks@ as c join @table@ as d on @fk_equals@ join hashed as h on h.key = @key_of(d)@ collate "C" and h.chunks <= 64
     where c.content is distinct from substr(@text_of(d)@, c.starts_at + 1, c.ends_at - c.starts_at)
     union
    select c.key from cut as c where c.content is distinct from c.slice
  $sql$, wikiembed_private.document_names(p_name) || jsonb_build_object('fk_key', wikiembed_private.chunk_key(p_name)));
end;
$$;
comment on function wikiembed_private.damaged_documents(text) is
  'Keys of the split documents whose chunks are not their text: altered by hand, lost or doubled. Reads both tables.';

-- A chunk table that was adopted may have no foreign key, and a foreign key's triggers may be disabled.
create or replace function wikiembed_private.orphan_chunks(p_name text) returns setof bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
begin
  if (select wikiembed_private.missing_chunk_columns(s.relation, '{}') from wikiembed.sources as s where s.name = p_name collate "default") is not null then
    return;
  end if;
  return query execute wikiembed_private.render_template(wikiembed_private.document_row(p_name), $sql$
    select c.id::bigint from @chunks@ as c where not exists (select from @table@ as d where @key_of(d)@ collate "C" = @fk_key@ collate "C")
  $sql$, wikiembed_private.document_names(p_name) || jsonb_build_object('fk_key', wikiembed_private.chunk_key(p_name)));
end;
$$;
comment on function wikiembed_private.orphan_chunks(text) is
  'Ids of the chunks whose document does not exist. Reads both tables.';
