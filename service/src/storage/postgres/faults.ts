import { faults } from '#kernel'

export const fault = faults('storage', {
  database_url: [
    'invalid',
    'The secret that `database` refers to is not a PostgreSQL URL that can be used: postgres://user:password@host:5432/name, with sslmode, sslrootcert, sslcert, sslkey, host or options behind it.',
  ],
  unreachable: [
    'unavailable',
    'PostgreSQL cannot be reached. Check that it runs and that host and port are right; Tetrapod goes on by itself when it is back.',
  ],
  untrusted: [
    'unavailable',
    'The TLS connection to PostgreSQL failed. Name the authority of its certificate with sslrootcert in the URL; sslmode=disable is for networks that are yours alone.',
  ],
  refused: [
    'unavailable',
    'PostgreSQL does not let Tetrapod in. Check user, password and database in the URL, and the rules of the server (pg_hba.conf).',
  ],
  rights: [
    'unavailable',
    'The database user may not do what Tetrapod needs. Make it the owner of the database, or of a schema that its search_path begins with.',
  ],
  too_old: ['unavailable', 'This PostgreSQL is too old. Use version 15 or newer.'],
  read_only: [
    'unavailable',
    'This PostgreSQL cannot be written: it is a standby, or was set so. Let the URL lead to the primary.',
  ],
  timeout: [
    'unavailable',
    'PostgreSQL did not answer in time. Try again; if it stays so, look for what keeps the server busy.',
  ],
  exhausted: [
    'unavailable',
    'PostgreSQL has no disk, memory or connections left. Make room; Tetrapod goes on by itself.',
  ],
})
