import { execFileSync } from 'node:child_process'
import { chownSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '#kernel'
import { ask, privatePostgres } from '../../../../test/support/postgres.ts'
import { emptyDirectory, opened, postgres } from '../backends.fixture.ts'
import { openStorage } from '../index.ts'

const bundle = { replica: 'a', at: 1, records: 1, body: new Uint8Array(200) }

describe.runIf(postgres !== undefined)('a PostgreSQL of its own', () => {
  const server = privatePostgres()
  let url: string
  beforeAll(async () => {
    url = await server.start()
  })
  afterAll(() => server.remove())

  test('a server that crashes under load loses nothing that was confirmed, and is used again without help', async () => {
    const { bundles, leases, replay, state } = await opened({
      directory: emptyDirectory(),
      database: new Secret(url),
    })
    await leases.create('a')
    const confirmed: number[] = []
    const failures: unknown[] = []
    const over = new AbortController()
    let next = 0
    const write = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const sequence = ++next
        await Promise.all([
          bundles.append({ ...bundle, sequence }, 1),
          replay.use(`jti ${sequence}`, 1000, 900),
        ]).then(
          () => confirmed.push(sequence),
          (error: unknown) => failures.push(error),
        )
      }
    }
    const writers = Array.from({ length: 8 }, write)
    while (confirmed.length < 50) await new Promise(setImmediate)
    const before = confirmed.length
    await server.restart()
    // No look at it in between: the first who asks finds it.
    await state.find('Session', 'h1')
    while (confirmed.length < before + 50) await new Promise(setImmediate)
    over.abort()
    await Promise.all(writers)

    expect(failures.length).toBeGreaterThan(0)
    for (const failure of failures)
      expect(failure).toMatchObject({ code: expect.stringMatching(/^storage\./), kind: 'unavailable' })
    const kept = await bundles.after('a', 0, next)
    expect(kept.map(({ sequence }) => sequence)).toEqual(
      expect.arrayContaining(confirmed.toSorted((a, b) => a - b)),
    )
  })

  test('while the server is down every question is answered with a fault, and a start too', async () => {
    const database = new Secret(url)
    const { bundles, grants, close } = await opened({ directory: emptyDirectory(), database })
    await bundles.last('a')
    await server.stop()
    const down = { code: 'storage.unreachable', kind: 'unavailable' }
    await expect(bundles.last('a')).rejects.toMatchObject(down)
    await expect(
      grants.revoke('g', 1, { kind: 'grant', idHash: 'h', at: 1, expiresAt: 1 }),
    ).rejects.toMatchObject(down)
    await expect(openStorage({ directory: emptyDirectory(), database })).rejects.toMatchObject(down)
    await close()
    await server.start()
  })

  test('the password is proven by SCRAM; a wrong one is refused, and said to be', async () => {
    const asked = await ask(
      superuserOf(server.directory, url),
      `select (select string_agg(distinct auth_method, ' ') from pg_hba_file_rules) as methods,
         (select bool_and(rolpassword like 'SCRAM-SHA-256$%') from pg_authid where rolcanlogin) as stored`,
    )
    expect(asked).toEqual([{ methods: 'scram-sha-256', stored: true }])
    await (await openStorage({ directory: emptyDirectory(), database: new Secret(url) })).close()
    const wrong = new URL(url)
    wrong.password = 'wrong'
    const opening = openStorage({ directory: emptyDirectory(), database: new Secret(wrong.href) })
    await expect(opening).rejects.toMatchObject({ code: 'storage.refused' })
  })

  describe('over TLS', () => {
    let authority: string
    beforeAll(async () => {
      authority = await certify(server.directory, url)
      await server.restart()
    })
    const encrypted = (change: (url: URL) => void) => {
      const to = new URL(url)
      change(to)
      return openStorage({ directory: emptyDirectory(), database: new Secret(to.href) })
    }

    test('a server whose certificate the named authority signed is used, encrypted', async () => {
      const storage = await encrypted((to) => {
        to.hostname = 'localhost'
        to.search = `sslmode=verify-full&sslrootcert=${authority}`
      })
      await storage.state.find('Session', 'h1')
      const sessions = await ask(
        url,
        `select bool_and(s.ssl) as encrypted from pg_stat_ssl s join pg_stat_activity a using (pid)
         where a.application_name like 'tetrapod %'`,
      )
      expect(sessions).toEqual([{ encrypted: true }])
      await storage.close()
    })

    test.each([
      ['a certificate of an authority that is not named', 'localhost', 'sslmode=verify-full'],
      ['a certificate that nobody asked to be sure of', 'localhost', 'sslmode=require'],
      ['a certificate of another name', '127.0.0.1', 'sslmode=verify-full&sslrootcert='],
    ])('%s is refused', async (_, host, search) => {
      const opening = encrypted((to) => {
        to.hostname = host
        to.search = search.endsWith('=') ? search + authority : search
      })
      await expect(opening).rejects.toMatchObject({ code: 'storage.untrusted' })
    })
  })
})

/** Gives the server a certificate for `localhost`; returns the file that a client has to trust. */
async function certify(directory: string, url: string): Promise<string> {
  const [key, certificate] = [join(directory, 'data/server.key'), join(directory, 'data/server.crt')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...made, ...subject, '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  })
  const { uid, gid } = statSync(join(directory, 'data'))
  for (const file of [key, certificate]) chownSync(file, uid, gid)
  await ask(superuserOf(directory, url), 'alter system set ssl = on')
  return certificate
}

function superuserOf(directory: string, url: string): string {
  const superuser = new URL(url)
  superuser.username = 'postgres'
  superuser.password = readFileSync(join(directory, 'superuser'), 'utf8')
  return superuser.href
}
