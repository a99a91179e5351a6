-- after update, each statement: count, null what another trigger left stale, queue every null
-- row that has no old row with its key, its text and no vector, and forget failures and marks of
-- truncation of rows that changed. What was gained goes to the ledger itself, whose index tells the
-- rate; what was lost goes to the deltas, which cost less. Nested loops are off: the plan is kept for
-- the session, and one made for a single row would take hours for 200,000; so are sequential scans,
-- since the table and the failures grow. A failure ends as cured where the row got its vector.
-- Whether there is anything to forget is asked in one expression, since each costs a query's start.
create function wikiembed_private.write_on_update(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.fill(p_source, $template$
    create or replace function wikiembed_private.%12$I() returns trigger
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
      select count(*), count(n.%5$I) into v_total, v_embedded from new_rows as n;
      select count(*), count(o.%5$I) into v_old_total, v_old_embedded from old_rows as o;
      if v_embedded > v_old_embedded then
        insert into wikiembed.ledger (source, total, embedded, gained)
        values (%1$L, v_total - v_old_total, v_embedded - v_old_embedded, v_embedded - v_old_embedded);
      elsif v_total <> v_old_total or v_embedded <> v_old_embedded then
        insert into wikiembed_private.%14$I (total, embedded)
        values (v_total - v_old_total, v_embedded - v_old_embedded);
      end if;
      if v_embedded > 0 and v_old_embedded > 0 then
        v_stale := array(
          select n.%3$I::text from new_rows as n join old_rows as o on o.%3$I%8$s = n.%3$I%8$s
           where n.%4$I::text collate "C" is distinct from o.%4$I::text collate "C"
             and n.%5$I %10$s o.%5$I);
        if cardinality(v_stale) > 0 then
          update %2$s as t set %5$I = null where t.%3$I = any (v_stale::%6$s[]);
        end if;
      end if;
      if v_embedded < v_total then
        select s.batch_size into v_batch_size from wikiembed.sources as s where s.name = %1$L;
        insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
        select %7$L, 'wikiembed.embed', 10, jsonb_build_object('source', %1$L, 'keys', to_jsonb(array_agg(m.key)))
          from (
            select n.%3$I::text as key, (row_number() over () - 1) / v_batch_size as batch
              from new_rows as n
             where n.%5$I is null
               and not exists (
                 select from old_rows as o
                  where o.%3$I%8$s = n.%3$I%8$s
                    and o.%4$I::text collate "C" is not distinct from n.%4$I::text collate "C"
                    and o.%5$I is null)
          ) as m
         group by m.batch
         order by m.batch;
      end if;
      if exists (select from wikiembed.failures as f where f.source = %1$L)
         or exists (select from wikiembed.truncated_chunks as c where c.source = %1$L)
      then
        if exists (select from wikiembed.failures as f where f.source = %1$L) then
          if v_old_total <= 500 then
            select array_agg(e.key), array_agg(e.key) filter (where e.cured) into v_ended, v_cured
              from (
                select o.%3$I::text as key, n.%3$I is not null as cured
                  from old_rows as o
                  left join new_rows as n
                    on n.%3$I%8$s = o.%3$I%8$s
                   and n.%4$I::text collate "C" is not distinct from o.%4$I::text collate "C"
                 where n.%3$I is null or n.%5$I is not null
              ) as e;
          else
            select array_agg(e.key), array_agg(e.key) filter (where e.cured) into v_ended, v_cured
              from (
                select o.%3$I::text as key, n.%3$I is not null as cured
                  from old_rows as o
                  join wikiembed.failures as f on f.source = %1$L and f.key = o.%3$I::text collate "C"
                  left join new_rows as n
                    on n.%3$I%8$s = o.%3$I%8$s
                   and n.%4$I::text collate "C" is not distinct from o.%4$I::text collate "C"
                 where n.%3$I is null or n.%5$I is not null
              ) as e;
          end if;
          perform wikiembed_private.forget_failures(%1$L, v_ended, 'changed', v_cured);
        end if;
        if exists (select from wikiembed.truncated_chunks as c where c.source = %1$L) then
          if v_old_total <= 500 then
            v_ended := array(
              select o.%3$I::text
                from old_rows as o
                left join new_rows as n
                  on n.%3$I%8$s = o.%3$I%8$s
                 and n.%4$I::text collate "C" is not distinct from o.%4$I::text collate "C"
                 and n.%5$I %10$s o.%5$I
               where o.%5$I is not null and n.%3$I is null);
          else
            v_ended := array(
              select o.%3$I::text
                from old_rows as o
                join wikiembed.truncated_chunks as c on c.source = %1$L and c.key = o.%3$I::text collate "C"
                left join new_rows as n
                  on n.%3$I%8$s = o.%3$I%8$s
                 and n.%4$I::text collate "C" is not distinct from o.%4$I::text collate "C"
                 and n.%5$I %10$s o.%5$I
               where o.%5$I is not null and n.%3$I is null);
          end if;
          perform wikiembed_private.forget_truncated(%1$L, v_ended);
        end if;
      end if;
      return null;
    end;
    $body$
  $template$, 'on_update', 'deltas');
end;
$$;
comment on function wikiembed_private.write_on_update(wikiembed.sources) is
  'Writes the function of a source''s update trigger.';
