import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeProtectedHeader } from 'jose'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openRevocation, type RevocationEntry } from '#revocation'
import { createVault, openLocalKeyring } from '#vault'
import { type MintedClaims, rootLineage } from './lineage.ts'
import type { SigningKeyRow, SigningKeyStore } from './signing-key-store.ts'
import { openTokens } from './tokens.ts'

const ISSUER = 'https://gw.example'
const MOUNT = 'https://gw.example/crm/mcp'
const NOW = 1_800_000_000

describe('signing keys', () => {
  test('survive a restart: a token signed before verifies after', async () => {
    const { open } = await setUp()
    const before = await open()
    const token = await before.tokens.mint(claims())
    const after = await open()
    expect(after.tokens.publicKeys).toEqual(before.tokens.publicKeys)
    expect(await after.tokens.verify(token, MOUNT)).toMatchObject({ subject: 'u1', jti: 'jti-1' })
  })

  test('are one, when two first starts come at once', async () => {
    const { open, rows } = await setUp()
    const [one, two] = await Promise.all([open(), open()])
    expect(rows).toHaveLength(1)
    expect(one.tokens.publicKeys).toEqual(two.tokens.publicKeys)
    expect(await two.tokens.verify(await one.tokens.mint(claims()), MOUNT)).toMatchObject({ jti: 'jti-1' })
  })

  test('lie sealed: what is stored holds no private key, in no spelling', async () => {
    const { open, rows } = await setUp()
    const { tokens } = await open()
    const d = String(tokens.privateKeys.keys[0]?.['d'])
    const bytes = Buffer.from(d, 'base64url')
    expect(bytes).toHaveLength(32)
    const stored = Buffer.from(rows[0]?.sealed ?? [])
    expect(stored.length).toBeGreaterThan(100)
    for (const spelling of [bytes, d, bytes.toString('base64'), bytes.toString('hex')])
      expect(stored.includes(spelling)).toBe(false)
  })

  test('do not open under the name of another key', async () => {
    const { open, rows } = await setUp()
    await open()
    rows.splice(0, 1, { ...(rows[0] as SigningKeyRow), kid: 'other' })
    await expect(open()).rejects.toMatchObject({ code: 'vault.unopenable' })
  })

  test('are published without their private part', async () => {
    const { tokens } = await (await setUp()).open()
    expect(tokens.publicKeys.keys.map((key) => Object.keys(key).sort())).toEqual([
      ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
    ])
  })

  test('the newest signs and an older one still verifies', async () => {
    const { open, rows, clock } = await setUp()
    const old = await open()
    const signedBefore = await old.tokens.mint(claims())
    const other = await setUp({ keyring: old.keyring })
    other.clock.time = clock.time + 1000
    await other.open()
    rows.push(...other.rows)
    const { tokens } = await open()
    const signedAfter = await tokens.mint(claims())
    expect(tokens.publicKeys.keys).toHaveLength(2)
    expect(decodeProtectedHeader(signedAfter)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: rows[1]?.kid })
    expect(await tokens.verify(signedBefore, MOUNT)).toMatchObject({ jti: 'jti-1' })
    expect(await tokens.verify(signedAfter, MOUNT)).toMatchObject({ jti: 'jti-1' })
  })
})

describe('a token of ours is refused', () => {
  test('at another audience', async () => {
    const { tokens } = await (await setUp()).open()
    const token = await tokens.mint(claims())
    await expect(tokens.verify(token, `${MOUNT}/`)).rejects.toMatchObject({ code: 'audience' })
  })

  test('once its grant was revoked, also when it was accepted before', async () => {
    const { tokens, revocation } = await (await setUp()).open()
    const token = await tokens.mint(claims())
    await tokens.verify(token, MOUNT)
    await revocation.revoke('grant', 'another-grant')
    await tokens.verify(token, MOUNT)
    await revocation.revoke('grant', 'grant-1')
    expect(tokens.revoked(await tokens.verify(token, MOUNT))).toBe(true)
  })

  test('and not even signed, when its grant or its login was revoked while its record was written', async () => {
    const { tokens, revocation } = await (await setUp()).open()
    await revocation.revoke('family', 'family-2')
    await expect(tokens.mint(claims({ family: 'family-2' }))).rejects.toMatchObject({ code: 'revoked' })
    await tokens.mint(claims())
    await revocation.revoke('grant', 'grant-1')
    await expect(tokens.mint(claims())).rejects.toMatchObject({ code: 'revoked' })
  })

  test('once its login was revoked, while another login under the grant holds', async () => {
    const { tokens, revocation } = await (await setUp()).open()
    const [one, two] = await Promise.all([tokens.mint(claims()), tokens.mint(claims({ family: 'family-2' }))])
    await revocation.revoke('family', 'family-1')
    expect(tokens.revoked(await tokens.verify(one, MOUNT))).toBe(true)
    expect(await tokens.verify(two, MOUNT)).toMatchObject({ jti: 'jti-1' })
  })

  test.each([
    ['session', 'session-1'],
    ['user', 'u1'],
    ['agent', 'agent'],
    ['token', 'jti-1'],
  ] as const)(
    'once its %s was revoked: not verified tokens, nor one about to be signed',
    async (kind, id) => {
      const { tokens, revocation } = await (await setUp()).open()
      const verified = await tokens.verify(await tokens.mint(claims()), MOUNT)
      const causes: unknown[] = []
      tokens.onRevoked(verified, (cause) => causes.push(cause))
      await revocation.revoke(kind, `${id}x`)
      expect([tokens.revoked(verified), causes]).toEqual([false, []])
      await revocation.revoke(kind, id)
      expect(tokens.revoked(verified)).toBe(true)
      await expect(tokens.mint(claims())).rejects.toMatchObject({ code: 'revoked' })
      expect(causes).toMatchObject([{ name: 'Refusal', code: 'revoked' }])
    },
  )

  test('once the key that signed it was revoked, while a token of another key holds', async () => {
    const { open, rows, clock } = await setUp()
    const { tokens: before, keyring } = await open()
    const old = await before.mint(claims())
    const other = await setUp({ keyring })
    other.clock.time = clock.time + 1000
    await other.open()
    rows.push(...other.rows)
    const { tokens, revocation } = await open()
    await revocation.revoke('key', rows[0]?.kid ?? '')
    const fresh = await tokens.mint(claims())
    const ends = [old, fresh].map(async (token) => tokens.revoked(await tokens.verify(token, MOUNT)))
    expect(await Promise.all(ends)).toEqual([true, false])
    await revocation.revoke('key', rows[1]?.kid ?? '')
    await expect(tokens.mint(claims())).rejects.toMatchObject({ code: 'revoked' })
  })

  test('whatever it is, once nobody can tell what was revoked; and none is signed', async () => {
    const { open, time } = await setUp()
    const { tokens } = await open()
    const verified = await tokens.verify(await tokens.mint(claims()), MOUNT)
    const causes: unknown[] = []
    time.elapsed = 5001
    const stale = expect.objectContaining({ code: 'revocation.stale', kind: 'unavailable' }) as Error
    expect(() => tokens.check()).toThrow(stale)
    expect(() => tokens.revoked(verified)).toThrow(stale)
    expect(() => tokens.root(login())).toThrow(stale)
    await expect(tokens.mint(claims())).rejects.toThrow(stale)
    tokens.onRevoked(verified, (cause) => causes.push(cause))
    expect(causes).toEqual([stale])
  })

  test('at the second it expires, without the minute that others are given', async () => {
    const { open, clock } = await setUp()
    const { tokens } = await open()
    const token = await tokens.mint(claims())
    clock.time = (NOW + 299) * 1000 + 999
    await tokens.verify(token, MOUNT)
    clock.time = (NOW + 300) * 1000
    await expect(tokens.verify(token, MOUNT)).rejects.toMatchObject({ code: 'expired' })
  })

  test('when another Tetrapod signed it for the same issuer', async () => {
    const [ours, theirs] = [await (await setUp()).open(), await (await setUp()).open()]
    await expect(ours.tokens.verify(await theirs.tokens.mint(claims()), MOUNT)).rejects.toMatchObject({
      code: 'key',
    })
  })
})

function login({ family = 'family-1' } = {}) {
  return {
    grant: 'grant-1',
    family,
    session: 'session-1',
    agent: 'agent',
    subjectId: { format: 'iss_sub' as const, iss: ISSUER, sub: 'alice' },
    authTime: NOW - 60,
    acr: 'pwd',
  }
}

function claims(options: Parameters<typeof login>[0] = {}): MintedClaims {
  return {
    iss: ISSUER,
    aud: MOUNT,
    sub: 'u1',
    client_id: 'agent',
    jti: 'jti-1',
    iat: NOW,
    exp: NOW + 300,
    scope: 'crm.read',
    ...rootLineage(ISSUER, login(options)),
  }
}

/** `open` is what a start does, again and again on the same rows. */
async function setUp({ keyring: given }: { keyring?: Awaited<ReturnType<typeof openLocalKeyring>> } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'tetrapod-tokens-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const keyring = given ?? (await openLocalKeyring({ file: join(directory, 'keyring.json') }))
  const clock = { time: NOW * 1000, now: () => clock.time }
  const none = { find: async () => undefined, insert: async () => false }
  const vault = createVault({ keyring, secrets: none, partitionKeys: none, clock })
  const rows: SigningKeyRow[] = []
  const store: SigningKeyStore = {
    list: async () => rows.toSorted((a, b) => a.createdAt - b.createdAt),
    insertFirst: async (row) => rows.length === 0 && rows.push(row) > 0,
  }
  const entries: RevocationEntry[] = []
  const feed = {
    append: async (entry: RevocationEntry) => entries.push(entry),
    after: async () => [],
    sweep: async () => {},
  }
  const time = { elapsed: 0 }
  const ticker = { elapsed: () => time.elapsed, sleep: () => new Promise<void>(() => {}) }
  const open = async () => {
    const revocation = await openRevocation({ store: feed, clock, ticker })
    return {
      keyring,
      revocation,
      tokens: await openTokens({ issuer: ISSUER, store, vault, revocation, clock }),
    }
  }
  return { open, rows, clock, time }
}
