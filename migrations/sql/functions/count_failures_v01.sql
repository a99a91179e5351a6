create function wikiembed_private.count_failures() returns trigger
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
