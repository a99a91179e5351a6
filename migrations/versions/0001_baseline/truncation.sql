create table if not exists wikiembed.truncated_chunks (
  source text not null references wikiembed.sources (name) on delete cascade,
  key text collate "C" not null,
  chars integer not null,
  chars_kept integer,
  at timestamptz not null default clock_timestamp(),
  primary key (source, key)
);

create table if not exists wikiembed.truncation_checks (
  source text not null references wikiembed.sources (name) on delete cascade,
  server text not null,
  model text not null,
  outcome text not null
    constraint outcome_is_known check (outcome in ('silent', 'refused', 'whole', 'unanswered')),
  from_chars integer
    constraint silent_has_number check ((outcome = 'silent') = (from_chars is not null)),
  checked_chars integer not null,
  checked_at timestamptz not null default clock_timestamp(),
  used_at timestamptz not null default clock_timestamp(),
  primary key (source, server, model)
);
