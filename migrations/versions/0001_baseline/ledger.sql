-- Nobody asks for a row by its number, and the counts of a row cost more in the index than where they
-- are: each statement on a chunk table writes one row. Without a key a publication of all tables would
-- refuse the deletes of a fold, so the whole row identifies itself. Append-only, so that no two writers ever wait for one counter. No foreign key: a check of
-- `sources` for each statement on a chunk table would lock the same row from every client.
create table wikiembed.ledger (
  id bigint generated always as identity,
  source text not null,
  at timestamptz not null default clock_timestamp(),
  total bigint not null default 0,
  embedded bigint not null default 0,
  gained bigint not null default 0,
  failed bigint not null default 0,
  skipped bigint not null default 0
);
create index ledger_by_source on wikiembed.ledger (source, at);
alter table wikiembed.ledger replica identity full;

comment on table wikiembed.ledger is
  'Deltas of each source''s counts, whose sums are the coverage; written by triggers and reconcile, folded to a row a minute, later an hour.';
comment on column wikiembed.ledger.id is 'Row number.';
comment on column wikiembed.ledger.source is 'The source.';
comment on column wikiembed.ledger.at is 'When the statement ran, or the minute or hour it was folded to.';
comment on column wikiembed.ledger.total is 'Change of the number of rows.';
comment on column wikiembed.ledger.embedded is 'Change of the number of rows with a vector.';
comment on column wikiembed.ledger.gained is 'Rows whose vector went from null to set: the throughput.';
comment on column wikiembed.ledger.failed is 'Change of the number of failures in state failed.';
comment on column wikiembed.ledger.skipped is 'Change of the number of failures in state skipped.';
