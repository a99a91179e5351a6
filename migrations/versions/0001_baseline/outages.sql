create table wikiembed.outages (
  id bigint generated always as identity primary key,
  server text not null,
  since timestamptz not null,
  last_seen_at timestamptz not null,
  ended_at timestamptz,
  error_class text not null,
  http_status integer,
  reason text not null default '',
  times integer not null default 1
);
create unique index outages_open on wikiembed.outages (server) where ended_at is null;
create index outages_by_server on wikiembed.outages (server, ended_at);
