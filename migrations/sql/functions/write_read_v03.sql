-- Most rows are held by nobody, and their locks would cost more than the reading: a row whose xmax
-- is zero is read as it is. The others are locked, and passed by where somebody holds them. `offset 0`
-- keeps a subquery from being joined in another way than by a look-up of each key: which way is best
-- depends on statistics, and those of a table that was analyzed while it was empty promise nothing. So
-- does num_nulls: of `is null` Postgres may conclude that an index of the user's, of missing rows by
-- another column, would do.
create function wikiembed_private.write_read(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  -- The function of before answered three columns, which a replacement cannot change.
  if exists (
    select from pg_proc as p
     where p.oid = to_regprocedure(format('wikiembed_private.%I(text[], integer)', 'read_' || p_source.name))
       and p.proargnames <> array['p_keys', 'p_attempt', 'key', 'content', 'version', 'source_version'])
  then
    execute wikiembed_private.fill(
      p_source, 'drop function wikiembed_private.%12$I(text[], integer)', 'read');
  end if;
  execute wikiembed_private.fill(p_source, $template$
    create or replace function wikiembed_private.%12$I(p_keys text[], p_attempt integer)
    returns table (key text, content text, version bigint, source_version text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    set jit = off
    as $body$
    declare
      v_generation bigint;
      v_source_version text;
      v_keys text[];
      v_contents text[];
      v_versions bigint[];
      v_locked text[];
    begin
      lock table only %2$s in row share mode;
      select s.generation, s.xmin || ' ' || s.ctid into v_generation, v_source_version
        from wikiembed.sources as s where s.name = %1$L;
      if not found then
        return;
      end if;
      select array_agg(t.%3$I::text), array_agg(t.%4$I::text),
             array_agg(hashtextextended(t.%4$I::text collate "C", v_generation))
        into v_keys, v_contents, v_versions
        from %2$s as t
       where t.%3$I = any (p_keys::%6$s[])
         and num_nulls(t.%5$I) = 1
         and t.xmax = 0
         and not exists (
           select from wikiembed.failures as f
            where f.source = %1$L and f.key = t.%3$I::text collate "C" and f.state = 'skipped' offset 0);
      if coalesce(cardinality(v_keys), 0) < cardinality(p_keys) then
        select v_keys || array_agg(h.key), v_contents || array_agg(h.content),
               v_versions || array_agg(h.version)
          into v_keys, v_contents, v_versions
          from (
            select t.%3$I::text as key, t.%4$I::text as content,
                   hashtextextended(t.%4$I::text collate "C", v_generation) as version
              from %2$s as t
             where t.%3$I = any (p_keys::%6$s[])
               and num_nulls(t.%5$I) = 1
               and not (t.%3$I::text collate "C" = any (coalesce(v_keys, '{}')))
               and not exists (
                 select from wikiembed.failures as f
                  where f.source = %1$L and f.key = t.%3$I::text collate "C" and f.state = 'skipped' offset 0)
             order by t.%3$I
               for no key update of t skip locked
          ) as h;
        v_locked := array(
          select t.%3$I::text from %2$s as t
           where t.%3$I = any (p_keys::%6$s[])
             and num_nulls(t.%5$I) = 1
             and not (t.%3$I::text collate "C" = any (coalesce(v_keys, '{}')))
             and not exists (
               select from wikiembed.failures as f
                where f.source = %1$L and f.key = t.%3$I::text collate "C" and f.state = 'skipped' offset 0));
        perform wikiembed_private.requeue(%1$L, v_locked, p_attempt);
      end if;
      return query select k, c, v, v_source_version from unnest(v_keys, v_contents, v_versions) as u (k, c, v);
    end;
    $body$
  $template$, 'read');
end;
$$;
comment on function wikiembed_private.write_read(wikiembed.sources) is
  'Writes the function that reads a source''s chunks.';
