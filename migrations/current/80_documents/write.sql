-- Documents and chunks are numbered arrays; v_valid, v_held and so on are numbers of documents. The state is
-- locked before the text is read: a text that changes later has a trigger that waits for this write.
-- The ids that the caller read must still be all of the document's chunks: a chunk table that was altered
-- by hand meanwhile is read again. Statements of nothing are left out, since their triggers cost as much as
-- those of one row.
create or replace function wikiembed_private.generate_split_documents(p_name text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.render_template(wikiembed_private.document_row(p_name), $template$
    create or replace function wikiembed_private.@split_documents@(
      p_keys text[], p_versions bigint[], p_old_documents integer[], p_old bigint[], p_documents integer[], p_ids bigint[],
      p_contexts text[], p_contents text[], p_headings text[], p_starts integer[], p_ends integer[])
    returns table (key text, outcome text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    set jit = off
    as $body$
    declare
      v_generation bigint;
      v_held bigint[];
      v_read bigint[];
      v_valid bigint[];
      v_altered bigint[];
      v_locked bigint[] := '{}';
      v_chunks bigint[];
      v_removed bigint[];
    begin
      lock table only @table@ in row share mode;
      lock table only @chunks@ in row exclusive mode;
      select g.generation into v_generation from wikiembed.document_sources as g
       where g.source = @source@ for key share skip locked;
      if not found then
        return query select k, case when exists (select from wikiembed.document_sources as g where g.source = @source@)
                                    then 'locked' else 'gone' end
          from unnest(p_keys) as k;
        return;
      end if;
      v_held := array(
        select k.number
          from (select k.key, k.number from unnest(p_keys) with ordinality as k (key, number) order by k.key collate "C") as k
         cross join lateral (select from @state@ as s where s.key = k.key collate "C" for update skip locked) as s);
      select coalesce(array_agg(k.number), '{}'), coalesce(array_agg(k.number) filter (where d.version = k.version), '{}')
        into v_read, v_valid
        from (
          select k.key, k.version, k.number from unnest(p_keys, p_versions) with ordinality as k (key, version, number)
           where k.number = any (v_held) order by k.key collate "C"
        ) as k
       cross join lateral (select @hash_d@ as version from @table@ as d where @is_text_key(d, k.key)@ for key share of d skip locked) as d;
      if cardinality(p_old) > 0 then
        v_chunks := array(
          select c.id from unnest(p_keys) with ordinality as k (key, number)
           cross join lateral (select c.id from @chunks@ as c where @fk_is_key@ for no key update of c skip locked) as c
           where k.number = any (v_valid));
        with present as (
          select k.number, c.id, l.id as locked from unnest(p_keys) with ordinality as k (key, number)
            join @chunks@ as c on @fk_is_key@
            left join unnest(v_chunks) as l (id) on l.id = c.id
           where k.number = any (v_valid)
        ), old as (
          select o.number::bigint, o.id from unnest(p_old_documents, p_old) as o (number, id) where o.number = any (v_valid)
        )
        select coalesce(array_agg(distinct coalesce(p.number, o.number)) filter (where p.id is null or o.id is null), '{}'),
               coalesce(array_agg(distinct p.number) filter (where p.id is not null and p.locked is null), '{}')
          into v_altered, v_locked
          from present as p full join old as o on o.id = p.id and o.number = p.number;
      else
        v_altered := array(
          select k.number from unnest(p_keys) with ordinality as k (key, number)
           where k.number = any (v_valid) and exists (select from @chunks@ as c where @fk_is_key@));
      end if;
      v_valid := array(select v from unnest(v_valid) as v where not v = any (v_altered || v_locked));
      if cardinality(p_old) > 0 then
        v_removed := array(
          select o.id from unnest(p_old_documents, p_old) as o (number, id)
           where o.number = any (v_valid) and not exists (select from unnest(p_ids) as i (id) where i.id = o.id));
        if cardinality(v_removed) > 0 then
          delete from @chunks@ as c where c.id = any (v_removed);
        end if;
        update @chunks@ as c
           set position = g.position, context = g.context, content = g.content, heading = g.heading,
               starts_at = g.starts_at, ends_at = g.ends_at
          from (
            select g.*, (row_number() over (partition by g.document order by g.number) - 1)::integer as position
              from unnest(p_documents, p_ids, p_contexts, p_contents, p_headings, p_starts, p_ends)
                   with ordinality as g (document, id, context, content, heading, starts_at, ends_at, number)
          ) as g
         where c.id = g.id and g.document = any (v_valid)
           and (c.position, c.context, c.content, c.heading, c.starts_at, c.ends_at)
               is distinct from (g.position, g.context, g.content, g.heading, g.starts_at, g.ends_at);
      end if;
      insert into @chunks@ (@fk_columns@, position, context, content, heading, starts_at, ends_at)
      select @fk_values@, g.position, g.context, g.content, g.heading, g.starts_at, g.ends_at
        from (
          select g.*, row_number() over (partition by g.document order by g.number) - 1 as position
            from unnest(p_documents, p_ids, p_contexts, p_contents, p_headings, p_starts, p_ends)
                 with ordinality as g (document, id, context, content, heading, starts_at, ends_at, number)
        ) as g
        join unnest(p_keys) with ordinality as k (key, number) on k.number = g.document
       where g.id is null and g.document = any (v_valid)
       order by g.number;
      if (select count(*) from unnest(p_documents) as g where g = any (v_valid)) <> (
        select count(*)
          from (
            select g.*, row_number() over (partition by g.document order by g.number) - 1 as position
              from unnest(p_documents, p_contexts, p_contents, p_starts, p_ends)
                   with ordinality as g (document, context, content, starts_at, ends_at, number)
          ) as g
          join unnest(p_keys) with ordinality as k (key, number) on k.number = g.document
          join @chunks@ as c on @fk_is_key@ and c.position = g.position
         where g.document = any (v_valid)
           and (c.context collate "C", c.content collate "C", c.starts_at, c.ends_at)
               is not distinct from (g.context, g.content, g.starts_at, g.ends_at))
      then
        raise exception 'a trigger of % discarded or altered a chunk', @chunks_literal@
          using errcode = 'WE012', hint = 'A before trigger returned null or another row.';
      end if;
      update @state@ as s set version = k.version, chunks = k.chunks, split_at = clock_timestamp()
        from (
          select k.key, k.version, (select count(*) from unnest(p_documents) as g where g = k.number) as chunks
            from unnest(p_keys, p_versions) with ordinality as k (key, version, number)
           where k.number = any (v_valid)
        ) as k
       where s.key = k.key collate "C";
      if exists (select from wikiembed.document_failures as f where f.source = @source@) then
        perform wikiembed_private.end_document_failures(@source@,
          array(select k.key from unnest(p_keys) with ordinality as k (key, number) where k.number = any (v_valid)), 'cured');
      end if;
      return query
        select k.key, case when k.number = any (v_valid) then 'written'
                           when k.number = any (v_altered) then 'stale'
                           when k.number = any (v_locked) then 'locked'
                           when k.number = any (v_read) then 'stale'
                           when exists (select from @table@ as d where @is_text_key(d, k.key)@) then 'locked'
                           else 'gone' end
          from unnest(p_keys) with ordinality as k (key, number)
         order by k.number;
    end;
    $body$
  $template$, wikiembed_private.document_names(p_name));
end;
$$;
comment on function wikiembed_private.generate_split_documents(text) is
  'Generates the function that replaces the chunks of a source''s documents.';
