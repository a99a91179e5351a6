-- Under a snapshot of the whole transaction the lock would come after the reading.
create function wikiembed_private.require_read_committed() returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'wikiembed needs a read committed transaction, this one is %',
      current_setting('transaction_isolation')
      using errcode = 'WE008', hint = 'Call it outside, or begin with isolation level read committed.';
  end if;
end;
$$;
comment on function wikiembed_private.require_read_committed() is
  'Raises WE008 in a transaction that is not read committed.';
