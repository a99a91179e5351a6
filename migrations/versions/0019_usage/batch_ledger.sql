-- Append-only and without an index, as the ledger's newest rows: a worker adds one per source and second.
-- Rows live for minutes: fold_batches moves them to days and hours.
create table if not exists wikiembed_private.batch_ledger (
  id bigint not null,
  at timestamptz not null default clock_timestamp(),
  requests bigint not null,
  failed bigint not null,
  texts bigint not null,
  tokens bigint not null,
  tokens_estimated bigint not null,
  fresh boolean[] not null,
  buckets smallint[] not null,
  chunks bigint[] not null,
  source text not null
);
alter table wikiembed_private.batch_ledger replica identity full;
