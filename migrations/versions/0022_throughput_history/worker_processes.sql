alter table wikiembed.worker_processes
  add column if not exists requests jsonb not null default '[]'
    constraint requests_are_a_list check (jsonb_typeof(requests) = 'array'),
  add column if not exists requests_at timestamptz;
