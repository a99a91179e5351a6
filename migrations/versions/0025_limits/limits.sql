create table if not exists wikiembed_private.limits (
  id bigint generated always as identity primary key,
  server text not null,
  model text not null default '',
  requests integer
    constraint requests_are_positive check (requests > 0),
  tokens bigint
    constraint tokens_are_positive check (tokens > 0),
  set_by text,
  set_at timestamptz,
  stated_requests integer
    constraint stated_requests_are_positive check (stated_requests > 0),
  stated_tokens bigint
    constraint stated_tokens_are_positive check (stated_tokens > 0),
  stated_at timestamptz,
  blocked_until timestamptz,
  window_s double precision not null default 60
    constraint window_is_positive check (window_s > 0),
  constraint limit_is_of_one_model unique (server, model),
  constraint limit_is_of_requests_or_tokens
    check (num_nonnulls(requests, tokens, stated_requests, stated_tokens) > 0)
);
create table if not exists wikiembed_private.limit_slots (
  limit_id bigint not null references wikiembed_private.limits (id) on delete cascade,
  slot bigint not null,
  requests bigint not null default 0,
  tokens bigint not null default 0,
  requests_due double precision not null,
  tokens_due double precision not null,
  is_short boolean not null default false,
  primary key (limit_id, slot)
) with (fillfactor = 50);
