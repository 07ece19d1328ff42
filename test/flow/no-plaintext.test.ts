import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRevocation } from '../../service/src/revocation/index.ts'
import { openStorage } from '../../service/src/storage/index.ts'
import { openTokens } from '../../service/src/tokens/index.ts'
import { createVault, openLocalKeyring } from '../../service/src/vault/index.ts'
import { byHand, createPerson, officialClient } from '../support/by-hand.ts'
import { NOTES_SECRET, openWorld, passwords, type World } from '../support/world.ts'

const ARGUMENT = 'canary-argument-5f1c9be7d2'
const HINT = 'canary-hint-0a77c1e4'

describe('nothing secret is stored or logged in the clear', () => {
  let world: World
  let canaries: Readonly<Record<string, string>>
  let found: ReturnType<typeof search>
  beforeAll(async () => {
    world = await openWorld()
    canaries = await walk(world)
    // While the service runs: what is still in the write-ahead log counts too.
    found = search(await everything(world))
  }, 60_000)
  afterAll(() => world.close())

  const names = [
    'argument',
    'hint',
    'state',
    'alice’s password',
    'bob’s password',
    'client secret',
    'session cookie',
    'library’s session cookie',
    'interaction cookie',
    'spent code',
    'live code',
    'spent refresh token',
    'live refresh token',
    'token 1',
    'token 2',
    'client assertion',
    'signing key',
  ]

  test.each(names)('not the %s', (name) => {
    const value = canaries[name] ?? ''
    expect(value.length).toBeGreaterThan(10)
    expect(found(value)).toEqual([])
  })

  test('and every secret of the walk was looked for', () => {
    expect(Object.keys(canaries).toSorted()).toEqual(names.toSorted())
  })

  test('a search that would not find anything would prove nothing', async () => {
    // The grant is no secret: its agent is stored as it is.
    expect(found('assistant')).not.toEqual([])
    const value = canaries['live code'] ?? ''
    for (const encoding of ['utf8', 'base64', 'base64url', 'hex'] as const) {
      const hidden = Buffer.from(`xx${value}yy`).toString(encoding)
      expect(search(new Map([['file', Buffer.from(`before ${hidden} after`)]]))(value)).toEqual(['file'])
    }
    expect(search(new Map([['file', Buffer.from(value, 'base64url')]]))(value)).toEqual(['file'])
  })
})

/** A walk on which every secret is met: sign-in, consent, codes spent and not, a call, an exchange by secret. */
async function walk(world: World): Promise<Readonly<Record<string, string>>> {
  const hand = byHand(world)
  const person = createPerson(world.publicUrl)
  const state = 'canary-state-77e0c2'
  const notes = { resource: world.mount('notes'), scope: 'notes.read', login_hint: HINT, state }
  const consent = await hand.toConsent(person, notes)
  const atConsent = person.cookies(consent.url.href)
  const { url } = await person.submit(consent, { decision: 'allow' })
  const code = url.searchParams.get('code') ?? ''
  const assertion = await hand.assertion()
  const { body } = await hand.redeem(code, { client_assertion: assertion, resource: world.mount('notes') })
  const token = String(body['access_token'])
  const refreshed = await hand.refresh(body['refresh_token'])
  const client = await officialClient(world.mount('notes'), token)
  await client.callTool({ name: 'echo', arguments: { text: ARGUMENT } })
  await client.close()
  await hand.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: world.lastToken('notes'),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: 'payroll',
    client_id: 'notes',
    client_secret: NOTES_SECRET,
  })
  const cookie = (name: string) => new RegExp(`${name}_\\d+=([^;]+)`).exec(atConsent)?.[1] ?? ''
  return {
    argument: ARGUMENT,
    hint: HINT,
    state,
    'alice’s password': passwords['alice'] ?? '',
    'bob’s password': passwords['bob'] ?? '',
    'client secret': NOTES_SECRET,
    'session cookie': cookie('tetrapod_session'),
    'library’s session cookie': cookie('tetrapod_login'),
    'interaction cookie': cookie('tetrapod_interaction'),
    'spent code': code,
    'live code': await hand.codeOf(person, notes),
    // A login's id is no secret: what follows it is.
    'spent refresh token': String(body['refresh_token']).split('.')[1] ?? '',
    'live refresh token': String(refreshed.body['refresh_token']).split('.')[1] ?? '',
    'token 1': token.split('.')[2] ?? '',
    'token 2': world.lastToken('notes').split('.')[2] ?? '',
    'client assertion': assertion.split('.')[2] ?? '',
    'signing key': await signingKey(world),
  }
}

/** The private half of the key that signs tokens, read as the service reads it, from a copy of its data. */
async function signingKey({ dataDirectory, publicUrl, clock }: World): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tetrapod-copy-'))
  await cp(dataDirectory, directory, { recursive: true, filter: (file) => !file.endsWith('.sock') })
  const storage = await openStorage({ directory })
  const keyring = await openLocalKeyring({ file: join(directory, 'keyring.json') })
  const vault = createVault({
    keyring,
    secrets: storage.secrets,
    partitionKeys: storage.partitionKeys,
    clock,
  })
  const revocation = await openRevocation({ store: storage.revocations, clock })
  const deps = { store: storage.signingKeys, vault, revocation, clock, algorithm: () => 'ES256' as const }
  const { signing } = await (await openTokens({ issuer: publicUrl, ...deps })).keys.current()
  revocation.close()
  await storage.close()
  await rm(directory, { recursive: true })
  return String(signing.privateJwk['d'])
}

/** All files of the data directory, and the log. */
async function everything({ dataDirectory, logged }: World): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(dataDirectory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const read = files.map(async ({ parentPath, name }) => {
    return [name, await readFile(join(parentPath, name))] as const
  })
  return new Map([...(await Promise.all(read)), ['log', Buffer.from(logged.join('\n'))]])
}

/** Says where a value is: as it is, as the bytes it spells, or inside base64, base64url or hex. */
function search(places: ReadonlyMap<string, Buffer>) {
  return (value: string): readonly string[] => {
    const spellings = [value, Buffer.from(value, 'base64url'), ...encoded(Buffer.from(value))]
    return [...places].filter(([, bytes]) => spellings.some((it) => bytes.includes(it))).map(([name]) => name)
  }
}

/** How bytes look within a longer encoded text: base64 has three alignments, whose first and last letters depend on the neighbours. */
function encoded(bytes: Buffer): readonly string[] {
  const inBase64 = (['base64', 'base64url'] as const).flatMap((encoding) =>
    [0, 1, 2].map((shift) => {
      const text = Buffer.concat([Buffer.alloc(shift), bytes])
        .toString(encoding)
        .replaceAll('=', '')
      return text.slice(shift === 0 ? 0 : shift + 1, -1)
    }),
  )
  const hex = bytes.toString('hex')
  return [...inBase64, hex, hex.toUpperCase()]
}
