alter table wikiembed.worker_processes
  add column if not exists node text
    constraint node_is_short check (char_length(node) <= 255),
  add column if not exists actor text
    constraint actor_is_short check (char_length(actor) <= 255);
