-- after update, each statement: count, null what another trigger left stale, queue every null
-- row that has no old row with its key, its text and no vector, and forget failures and marks of
-- truncation of rows that changed. Gains are written to the ledger itself, whose index serves the
-- rate; losses to the deltas, which cost less. Nested loops are off: the plan is kept for
-- the session, and one made for a single row would take hours for 200,000; so are sequential scans,
-- since the table and the failures grow. A failure ends as cured where the row got its vector.
-- One expression checks whether there is anything to forget, since each costs a query's start.
create or replace function wikiembed_private.generate_on_update(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@on_update@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set enable_seqscan = off
    set enable_nestloop = off
    set enable_mergejoin = off
    set jit = off
    as $body$
    declare
      v_total bigint;
      v_embedded bigint;
      v_old_total bigint;
      v_old_embedded bigint;
      v_batch_size integer;
      v_stale text[];
      v_ended text[];
      v_cured text[];
    begin
      select count(*), count(n.@embedding@) into v_total, v_embedded from new_rows as n;
      select count(*), count(o.@embedding@) into v_old_total, v_old_embedded from old_rows as o;
      if v_embedded > v_old_embedded then
        insert into wikiembed.ledger (source, total, embedded, gained)
        values (@source@, v_total - v_old_total, v_embedded - v_old_embedded, v_embedded - v_old_embedded);
      elsif v_total <> v_old_total or v_embedded <> v_old_embedded then
        insert into wikiembed_private.@deltas@ (total, embedded)
        values (v_total - v_old_total, v_embedded - v_old_embedded);
      end if;
      if v_embedded > 0 and v_old_embedded > 0 then
        v_stale := array(
          select @key_of(n)@ from new_rows as n join old_rows as o on @same_key(o, n)@
           where @text_of(n)@ collate "C" is distinct from @text_of(o)@ collate "C"
             and n.@embedding@ @vector_equals@ o.@embedding@);
        if cardinality(v_stale) > 0 then
          @null_rows(v_stale)@
        end if;
      end if;
      if v_embedded < v_total then
        select s.batch_size into v_batch_size from wikiembed.sources as s where s.name = @source@;
        insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
        select @queue@, 'wikiembed.embed', 10, jsonb_build_object('source', @source@, 'keys', to_jsonb(array_agg(m.key)))
          from (
            select @key_of(n)@ as key, (row_number() over () - 1) / v_batch_size as batch
              from new_rows as n
             where n.@embedding@ is null
               and not exists (
                 select from old_rows as o
                  where @same_key(o, n)@
                    and @text_of(o)@ collate "C" is not distinct from @text_of(n)@ collate "C"
                    and o.@embedding@ is null)
          ) as m
         group by m.batch
         order by m.batch;
      end if;
      if exists (select from wikiembed.failures as f where f.source = @source@)
         or exists (select from wikiembed.truncated_chunks as c where c.source = @source@)
      then
        if exists (select from wikiembed.failures as f where f.source = @source@) then
          if v_old_total <= 500 then
            select array_agg(e.key), array_agg(e.key) filter (where e.cured) into v_ended, v_cured
              from (
                select @key_of(o)@ as key, n.@key@ is not null as cured
                  from old_rows as o
                  left join new_rows as n
                    on @same_key(n, o)@
                   and @text_of(n)@ collate "C" is not distinct from @text_of(o)@ collate "C"
                 where n.@key@ is null or n.@embedding@ is not null
              ) as e;
          else
            select array_agg(e.key), array_agg(e.key) filter (where e.cured) into v_ended, v_cured
              from (
                select @key_of(o)@ as key, n.@key@ is not null as cured
                  from old_rows as o
                  join wikiembed.failures as f on f.source = @source@ and f.key = @key_of(o)@ collate "C"
                  left join new_rows as n
                    on @same_key(n, o)@
                   and @text_of(n)@ collate "C" is not distinct from @text_of(o)@ collate "C"
                 where n.@key@ is null or n.@embedding@ is not null
              ) as e;
          end if;
          perform wikiembed_private.forget_failures(@source@, v_ended, 'changed', v_cured);
        end if;
        if exists (select from wikiembed.truncated_chunks as c where c.source = @source@) then
          if v_old_total <= 500 then
            v_ended := array(
              select @key_of(o)@
                from old_rows as o
                left join new_rows as n
                  on @same_key(n, o)@
                 and @text_of(n)@ collate "C" is not distinct from @text_of(o)@ collate "C"
                 and n.@embedding@ @vector_equals@ o.@embedding@
               where o.@embedding@ is not null and n.@key@ is null);
          else
            v_ended := array(
              select @key_of(o)@
                from old_rows as o
                join wikiembed.truncated_chunks as c on c.source = @source@ and c.key = @key_of(o)@ collate "C"
                left join new_rows as n
                  on @same_key(n, o)@
                 and @text_of(n)@ collate "C" is not distinct from @text_of(o)@ collate "C"
                 and n.@embedding@ @vector_equals@ o.@embedding@
               where o.@embedding@ is not null and n.@key@ is null);
          end if;
          perform wikiembed_private.forget_truncated(@source@, v_ended);
        end if;
      end if;
      return null;
    end;
    $body$
  $template$);
end;
$$;
comment on function wikiembed_private.generate_on_update(wikiembed.sources) is
  'Generates the function of a source''s update trigger.';
