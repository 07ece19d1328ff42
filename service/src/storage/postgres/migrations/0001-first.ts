export const statements = [
  `create table secrets (
    name text primary key,
    sealed bytea not null
  )`,

  // The empty string stands for no user.
  `create table partition_keys (
    purpose text not null,
    "user" text not null,
    partition text not null,
    sealed bytea not null,
    primary key (purpose, "user", partition)
  )`,

  `create table signing_keys (
    kid text primary key,
    created_at bigint not null,
    sealed bytea not null
  )`,

  `create table accounts (
    id text primary key,
    issuer text not null,
    subject text not null,
    created_at bigint not null,
    unique (issuer, subject)
  )`,

  `create table sessions (
    cookie_hash text primary key,
    id text not null unique,
    account text not null,
    auth_time bigint not null,
    acr text not null,
    expires_at bigint not null
  )`,

  `create table grants (
    id text primary key,
    version bigint not null,
    "user" text not null,
    agent text not null,
    redirect_uris text not null,
    mounts text not null,
    created_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint
  )`,
  'create unique index grants_current on grants ("user", agent) where revoked_at is null',

  // A place is given when the feed's lock is held (`appendRevocation`): places are in the order of the commits.
  `create table revocations (
    sequence bigint generated always as identity primary key,
    kind text not null,
    id_hash text not null,
    at bigint not null,
    expires_at bigint not null
  )`,

  `create table states (
    model text not null,
    id_hash text not null,
    version bigint not null,
    sealed bytea not null,
    grant_id text,
    uid_hash text,
    consumed_at bigint,
    expires_at bigint,
    primary key (model, id_hash)
  )`,
  'create index states_by_grant on states (model, grant_id) where grant_id is not null',
  'create index states_by_uid on states (model, uid_hash) where uid_hash is not null',
  'create index states_by_expiry on states (expires_at) where expires_at is not null',

  `create table bundles (
    replica text not null,
    sequence bigint not null,
    at bigint not null,
    records bigint not null,
    body bytea not null,
    primary key (replica, sequence)
  )`,

  `create table settlements (
    replica text primary key,
    sequence bigint not null
  )`,
]
