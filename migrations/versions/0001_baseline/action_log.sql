create table wikiembed.action_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  who text not null,
  action text not null
    constraint action_is_known
      check (action in ('attach', 'detach', 'pause', 'resume', 'retry', 'skip', 'reconcile', 'pin')),
  source text,
  why text,
  detail jsonb not null default '{}'
);
create index action_log_by_source on wikiembed.action_log (source, at);
