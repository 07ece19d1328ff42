export const statements = [
  // Constant: what an older version writes is of this algorithm.
  `alter table signing_keys add column algorithm text not null default 'ES256'`,
  // Null: it signs since it was made.
  'alter table signing_keys add column signs_at bigint',
  'alter table signing_keys add column revoked_at bigint',
]
