create table if not exists wikiembed_private.budgets (
  source text not null references wikiembed.sources (name) on update cascade on delete cascade,
  period text not null
    constraint period_is_known check (period in ('day', 'month')),
  tokens bigint
    constraint tokens_are_positive check (tokens > 0),
  cost numeric
    constraint cost_is_positive check (cost > 0),
  set_by text not null,
  set_at timestamptz not null default now(),
  reached_at timestamptz,
  primary key (source, period),
  constraint budget_is_of_tokens_or_money check (num_nonnulls(tokens, cost) = 1)
);
create table if not exists wikiembed_private.budget_reservations (
  id bigint primary key,
  source text not null references wikiembed.sources (name) on update cascade on delete cascade,
  tokens bigint not null
    constraint tokens_are_not_negative check (tokens >= 0),
  at timestamptz not null default clock_timestamp()
);
create index if not exists budget_reservations_by_source on wikiembed_private.budget_reservations (source);
