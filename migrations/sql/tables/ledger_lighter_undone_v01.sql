-- squawk-ignore-file require-concurrent-index-deletion, adding-serial-primary-key-field, constraint-missing-not-valid
alter table wikiembed.ledger replica identity default;
alter table wikiembed.ledger add primary key (id);
drop index wikiembed.ledger_by_source;
create index ledger_by_source on wikiembed.ledger (source, at)
  include (total, embedded, gained, failed, skipped);
