-- One statement: two, and rows committed in between would be counted twice or lost. Folded rows
-- stand at the full minute or hour, by which they are told from the rest.
create function wikiembed.fold_ledger() returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before bigint;
  v_after bigint;
begin
  with d as (
    delete from wikiembed.ledger as l
     where (l.at < date_trunc('minute', clock_timestamp()) - interval '1 minute'
            and l.at <> date_trunc('minute', l.at))
        or (l.at < date_trunc('hour', clock_timestamp()) - interval '1 day'
            and l.at <> date_trunc('hour', l.at))
    returning l.*
  ), folded as (
    insert into wikiembed.ledger (source, at, total, embedded, gained, failed, skipped)
    select d.source, f.at, sum(d.total), sum(d.embedded), sum(d.gained), sum(d.failed), sum(d.skipped)
      from d, lateral (
        select case when d.at < date_trunc('hour', clock_timestamp()) - interval '1 day'
                    then date_trunc('hour', d.at) else date_trunc('minute', d.at) end as at) as f
     group by d.source, f.at
    returning 1
  )
  select (select count(*) from d), (select count(*) from folded) into v_before, v_after;
  perform wikiembed_private.prune_failure_history();
  return v_before - v_after;
end;
$$;
comment on function wikiembed.fold_ledger() is
  'Folds ledger rows to one a minute after a minute, to one an hour after a day, and prunes the history of failures; returns the number of ledger rows that went.';
