create table if not exists wikiembed_private.lag_hours (
  source text not null references wikiembed.sources (name) on update cascade on delete cascade,
  hour timestamptz not null,
  fresh boolean not null,
  bucket smallint not null,
  chunks bigint not null,
  primary key (source, hour, fresh, bucket)
);
