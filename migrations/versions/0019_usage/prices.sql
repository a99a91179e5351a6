create table if not exists wikiembed.prices (
  source text not null references wikiembed.sources (name) on update cascade on delete cascade,
  from_day date not null,
  per_million numeric not null
    constraint price_is_not_negative check (per_million >= 0 and per_million < 1e9),
  currency text not null
    constraint currency_is_short check (octet_length(currency) <= 12 and currency !~ '[[:cntrl:]]'),
  set_by text not null,
  primary key (source, from_day)
);
