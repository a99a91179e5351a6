-- A process registers with procrastinate once a slot (embed, upkeep) and again after each loss of
-- Postgres; a row here says which process a registration belongs to. It goes with its registration,
-- which procrastinate deletes at the worker's end or 30 s after its last heartbeat.
create table if not exists wikiembed.worker_processes (
  worker_id bigint primary key
    references wikiembed_queue.procrastinate_workers (id) on delete cascade,
  process_id uuid not null,
  host text not null check (char_length(host) <= 255),
  pid integer not null check (pid > 0),
  version text not null check (char_length(version) <= 100),
  model text check (char_length(model) <= 500),
  started_at timestamptz not null
);
