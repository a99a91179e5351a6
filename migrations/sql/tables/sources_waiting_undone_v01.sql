comment on column wikiembed.sources.held_back_at is
  'Since when reconcile leaves alone what an enqueue with p_max_chunks did not queue; null: it queues all that is missing.';
