create trigger count_inserted
  after insert on wikiembed.failures referencing new table as new_failures
  for each statement execute function wikiembed_private.count_failures();
create trigger count_updated
  after update on wikiembed.failures referencing old table as old_failures new table as new_failures
  for each statement execute function wikiembed_private.count_failures();
create trigger count_deleted
  after delete on wikiembed.failures referencing old table as old_failures
  for each statement execute function wikiembed_private.count_failures();
comment on trigger count_inserted on wikiembed.failures is 'Counts new failures in the ledger.';
comment on trigger count_updated on wikiembed.failures is 'Counts changed states in the ledger.';
comment on trigger count_deleted on wikiembed.failures is 'Counts ended failures in the ledger.';
