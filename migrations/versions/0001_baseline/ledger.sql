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
