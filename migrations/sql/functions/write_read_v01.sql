create function wikiembed_private.write_read(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.fill(p_source, $template$
    create or replace function wikiembed_private.%12$I(p_keys text[], p_attempt integer)
    returns table (key text, content text, version bigint)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    set enable_hashjoin = off
    set enable_mergejoin = off
    as $body$
    declare
      v_generation bigint;
      v_keys text[];
      v_contents text[];
      v_versions bigint[];
    begin
      lock table only %2$s in row share mode;
      select s.generation into v_generation from wikiembed.sources as s where s.name = %1$L;
      if not found then
        return;
      end if;
      select array_agg(h.key), array_agg(h.content), array_agg(h.version)
        into v_keys, v_contents, v_versions
        from (
          select t.%3$I::text as key, t.%4$I::text as content,
                 hashtextextended(t.%4$I::text collate "C", v_generation) as version
            from %2$s as t
           where t.%3$I = any (p_keys::%6$s[])
             and t.%5$I is null
             and not exists (
               select from wikiembed.failures as f
                where f.source = %1$L and f.key = t.%3$I::text collate "C" and f.state = 'skipped')
           order by t.%3$I
             for no key update of t skip locked
        ) as h;
      if coalesce(cardinality(v_keys), 0) < cardinality(p_keys) then
        perform wikiembed_private.requeue(%1$L, array(
          select t.%3$I::text from %2$s as t
           where t.%3$I = any (p_keys::%6$s[])
             and t.%5$I is null
             and not (t.%3$I::text collate "C" = any (coalesce(v_keys, '{}')))
             and not exists (
               select from wikiembed.failures as f
                where f.source = %1$L and f.key = t.%3$I::text collate "C" and f.state = 'skipped')
        ), p_attempt);
      end if;
      return query select * from unnest(v_keys, v_contents, v_versions);
    end;
    $body$
  $template$, 'read');
end;
$$;
comment on function wikiembed_private.write_read(wikiembed.sources) is
  'Writes the function that reads a source''s chunks.';
