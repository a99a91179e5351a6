-- Append-only and without an index, as the ledger's newest rows: a batch adds one, in the transaction
-- that stores its vectors. Rows live for minutes: fold_batches moves them to days and hours.
create table if not exists wikiembed_private.batch_ledger (
  id bigint not null,
  at timestamptz not null default clock_timestamp(),
  requests bigint not null,
  failed bigint not null,
  texts bigint not null,
  tokens bigint not null,
  tokens_estimated bigint not null,
  since timestamptz[] not null,
  fresh boolean[] not null,
  chunks integer[] not null,
  source text not null
);
alter table wikiembed_private.batch_ledger replica identity full;
