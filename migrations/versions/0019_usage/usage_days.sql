create table if not exists wikiembed_private.usage_days (
  source text not null references wikiembed.sources (name) on update cascade on delete cascade,
  day date not null,
  requests bigint not null,
  failed bigint not null,
  texts bigint not null,
  tokens bigint not null,
  tokens_estimated bigint not null,
  primary key (source, day)
);
