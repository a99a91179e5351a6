create trigger wikiembed_follow_batch_size
  after update of batch_size on wikiembed.sources
  for each row when (old.batch_size <> new.batch_size)
  execute function wikiembed_private.follow_batch_size();
comment on trigger wikiembed_follow_batch_size on wikiembed.sources is
  'Keeps the insert trigger of a source in step with its batch size.';
