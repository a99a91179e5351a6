-- A sequence as a clock: it can be read and set without a lock that lasts to the commit.
create sequence wikiembed_private.clock minvalue 0 start 0;
