create or replace function wikiembed_private.count_failures() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    insert into wikiembed.ledger (source, failed, skipped)
    select n.source, count(*) filter (where n.state = 'failed'), count(*) filter (where n.state = 'skipped')
      from new_failures as n group by n.source;
  elsif tg_op = 'DELETE' then
    insert into wikiembed.ledger (source, failed, skipped)
    select o.source, -count(*) filter (where o.state = 'failed'), -count(*) filter (where o.state = 'skipped')
      from old_failures as o group by o.source;
  else
    insert into wikiembed.ledger (source, failed, skipped)
    select d.source, sum(d.failed), sum(d.skipped)
      from (
        select n.source, (n.state = 'failed')::int as failed, (n.state = 'skipped')::int as skipped
          from new_failures as n
        union all
        select o.source, -(o.state = 'failed')::int, -(o.state = 'skipped')::int from old_failures as o
      ) as d
     group by d.source having sum(d.failed) <> 0 or sum(d.skipped) <> 0;
  end if;
  return null;
end;
$$;
comment on function wikiembed_private.count_failures() is
  'Writes the change of failed and skipped counts to the ledger.';

create or replace trigger count_inserted
  after insert on wikiembed.failures referencing new table as new_failures
  for each statement execute function wikiembed_private.count_failures();
create or replace trigger count_updated
  after update on wikiembed.failures referencing old table as old_failures new table as new_failures
  for each statement execute function wikiembed_private.count_failures();
create or replace trigger count_deleted
  after delete on wikiembed.failures referencing old table as old_failures
  for each statement execute function wikiembed_private.count_failures();
comment on trigger count_inserted on wikiembed.failures is 'Counts new failures in the ledger.';
comment on trigger count_updated on wikiembed.failures is 'Counts changed states in the ledger.';
comment on trigger count_deleted on wikiembed.failures is 'Counts ended failures in the ledger.';

-- The caller has locked these rows, so that their ctid does not change: deleting by ctid has one plan,
-- whatever the table's statistics. A bounded number becomes history at once.
create or replace function wikiembed_private.end_failures(
  p_places tid[], p_how text, p_cured text[] default null
) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  v_ended bigint;
begin
  with ended as (
    delete from wikiembed.failures as f where f.ctid = any (p_places) returning f.*
  ), kept as (
    insert into wikiembed_private.ended_failures
      (source, key, error_class, http_status, message, attempts, first_at, last_at, how)
    select e.source, e.key, e.error_class, e.http_status, e.message, e.attempts, e.first_at, e.last_at,
           case when c.key is null then p_how else 'cured' end
      from (select e.* from ended as e where e.state = 'failed' order by e.last_at desc, e.key limit 50000) as e
      left join (select distinct c.key collate "C" as key from unnest(p_cured) as c (key)) as c on c.key = e.key
  )
  select count(*) into v_ended from ended;
  return v_ended;
end;
$$;
comment on function wikiembed_private.end_failures(tid[], text, text[]) is
  'Deletes failures that the caller has locked and keeps them as history, those of the keys p_cured as cured; returns their number.';

-- Keys have the collation of a user's column, which may conflict with ours: each comparison states
-- its own. Locked in key order: else two deletes, or a delete and a retry, would deadlock. Each key
-- is looked up by itself, in a subquery that is not joined otherwise: plans are kept for a session,
-- and one made for few failures must suit many.
create or replace function wikiembed_private.forget_failures(
  p_source text, p_keys text[], p_how text, p_cured text[] default null
) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  v_places tid[];
begin
  v_places := array(
    select h.place
      from (select distinct k.key collate "C" as key from unnest(p_keys) as k (key) order by 1) as a
     cross join lateral (
       select f.ctid as place from wikiembed.failures as f
        where f.source = p_source collate "default" and f.key = a.key
          for update) as h);
  if cardinality(v_places) = 0 then
    return 0;
  end if;
  return wikiembed_private.end_failures(v_places, p_how, p_cured);
end;
$$;
comment on function wikiembed_private.forget_failures(text, text[], text, text[]) is
  'Ends the failures of these keys, locked in key order, and keeps them as history, those of the keys p_cured as cured; returns their number.';

-- Rows that another transaction has locked are skipped: two calls at once must not wait for each other.
create or replace function wikiembed_private.prune_failure_history() returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  v_source text;
  v_oldest timestamptz;
  v_here bigint;
  v_pruned bigint := 0;
begin
  for v_source in select s.name from wikiembed.sources as s order by s.name loop
    v_oldest := greatest(
      clock_timestamp() - interval '90 days',
      (select e.ended_at from wikiembed_private.ended_failures as e
        where e.source = v_source order by e.ended_at desc offset 50000 limit 1));
    delete from wikiembed_private.ended_failures as e
     where e.id in (
       select o.id from wikiembed_private.ended_failures as o
        where o.source = v_source and o.ended_at <= v_oldest
          for update skip locked);
    get diagnostics v_here = row_count;
    v_pruned := v_pruned + v_here;
  end loop;
  return v_pruned;
end;
$$;
comment on function wikiembed_private.prune_failure_history() is
  'Deletes history of failures that ended more than 90 days ago, and all but the latest 50,000 of a source; returns the number of rows.';

create or replace view wikiembed.failure_history as
select e.source, e.key, e.error_class, e.http_status, e.message, e.attempts,
       e.first_at, e.last_at, e.ended_at, e.how, e.document
  from wikiembed_private.ended_failures as e;

comment on view wikiembed.failure_history is
  'Failures that ended: retried, cured, changed, deleted or skipped; kept for 90 days, and the latest 50,000 of a source. Open ones are in wikiembed.failures.';
comment on column wikiembed.failure_history.source is 'The source.';
comment on column wikiembed.failure_history.key is 'Key of the chunk or the document, as text.';
comment on column wikiembed.failure_history.error_class is 'Stable name of the kind of failure, as in docs/reference.';
comment on column wikiembed.failure_history.http_status is 'Status of the embedding server''s last response, where there was one.';
comment on column wikiembed.failure_history.message is 'One sentence; never the text.';
comment on column wikiembed.failure_history.attempts is 'Attempts to embed this chunk alone, or to split this document.';
comment on column wikiembed.failure_history.first_at is 'When it failed first.';
comment on column wikiembed.failure_history.last_at is 'When it failed last.';
comment on column wikiembed.failure_history.ended_at is 'When the failure ended.';
comment on column wikiembed.failure_history.how is
  'retried (requeued by an operator), cured (it got its vector, or was split), changed (its text or its key), deleted (its row), or skipped (by an operator).';
comment on column wikiembed.failure_history.document is 'True for a document that could not be split, false for a chunk.';
