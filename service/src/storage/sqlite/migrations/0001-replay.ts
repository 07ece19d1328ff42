export const statements = [
  `create table replays (
    key_hash text primary key,
    expires_at integer not null
  ) strict, without rowid`,
  'create index replays_by_expiry on replays (expires_at)',
]
