import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkBeside } from '@tetrapod/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openRevocation, type RevocationEntry } from '#revocation'
import { createVault, openLocalKeyring } from '#vault'
import { knownElsewhere, type MintedClaims, nextLineage, rootLineage, transactionClaims } from './lineage.ts'
import type { SigningKeyRow, SigningKeyStore } from './signing-key-store.ts'
import { openTokens, type Tokens } from './tokens.ts'

const ISSUER = 'https://gw.example'
const MOUNT = 'https://gw.example/crm/mcp'
const NOW = 1_800_000_000

describe('signing keys', () => {
  test('survive a restart: a token signed before verifies after', async () => {
    const { open } = await setUp()
    const before = await open()
    const token = await before.tokens.mint(claims())
    const after = await open()
    expect(await published(after)).toEqual(await published(before))
    expect(await after.tokens.verify(token, MOUNT)).toMatchObject({ subject: 'u1', jti: 'jti-1' })
  })

  test('are one, when two first starts come at once', async () => {
    const { open, rows } = await setUp()
    const [one, two] = await Promise.all([open(), open()])
    expect(rows).toHaveLength(1)
    expect(await published(one)).toEqual(await published(two))
    expect(await two.tokens.verify(await one.tokens.mint(claims()), MOUNT)).toMatchObject({ jti: 'jti-1' })
  })

  test('lie sealed: what is stored holds no private key, in no spelling', async () => {
    const { open, rows } = await setUp()
    const { tokens } = await open()
    const d = String((await tokens.keys.current()).signing.privateJwk['d'])
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
    const opened = await (await setUp()).open()
    const { published } = await opened.tokens.keys.current()
    expect(published.map(({ publicJwk }) => Object.keys(publicJwk).sort())).toEqual([
      ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
    ])
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
    const { tokens, revocation } = await (await setUp()).open()
    const old = await tokens.verify(await tokens.mint(claims()), MOUNT)
    await tokens.keys.rotate({ now: true })
    const fresh = await tokens.verify(await tokens.mint(claims()), MOUNT)
    await revocation.revoke('key', old.keyId)
    expect([tokens.revoked(old), tokens.revoked(fresh)]).toEqual([true, false])
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

  test('once it was revoked itself, or a token it came from, and the calls under way with it are told', async () => {
    const { tokens, revocation } = await (await setUp()).open()
    const one = await tokens.verify(await tokens.mint(claims()), MOUNT)
    const step = {
      actor: { iss: ISSUER, sub: 'crm' },
      clientId: 'crm',
      audience: MOUNT,
      scopes: new Set('a'),
    }
    const next = nextLineage(one, { ...step, now: NOW, grantEndsAt: NOW + 300 })
    const two = await tokens.verify(await tokens.mint(next), MOUNT)
    const stopped: string[] = []
    for (const token of [one, two]) tokens.onRevoked(token, () => stopped.push(token.jti))

    await revocation.revoke('token', two.jti)
    expect([tokens.revoked(one), tokens.revoked(two), stopped]).toEqual([false, true, [two.jti]])
    await revocation.revoke('token', one.jti)
    expect([tokens.revoked(one), stopped]).toEqual([true, [two.jti, one.jti]])
    await expect(
      tokens.mint(nextLineage(one, { ...step, now: NOW, grantEndsAt: NOW + 300 })),
    ).rejects.toMatchObject({
      code: 'revoked',
    })
  })

  test('and not by the id of something else than it is: a login is no token, and a token no login', async () => {
    const { tokens, revocation } = await (await setUp()).open()
    const token = await tokens.verify(await tokens.mint(claims()), MOUNT)
    await revocation.revoke('token', 'family-1')
    await revocation.revoke('family', 'jti-1')
    expect(tokens.revoked(token)).toBe(false)
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

describe('a transaction token', () => {
  const mintedFor = async (change: Partial<MintedClaims> = {}) => {
    const setup = await setUp()
    const opened = await setup.open()
    const told = transactionClaims({ ...claims(), ...change }, { to: 'crm', alone: false })
    return { ...setup, ...opened, told, token: await opened.tokens.mintTransaction(told) }
  }

  test('says what its access token says, within our trust domain, for one client and a minute', async () => {
    const { tokens, token, told } = await mintedFor()
    expect(await tokens.verifyTransaction(token, 'crm')).toMatchObject({
      audience: 'gw.example',
      subject: 'u1',
      requester: 'agent',
      jti: told.jti,
      expiresAt: NOW + 60,
      transaction: told.txn,
      delegation: { gid: 'grant-1', anc: ['family-1', 'jti-1'], to: 'crm' },
    })
  })

  test('names our own account, though its access token names the user as an API knows them', async () => {
    const { tokens, revocation } = await (await setUp()).open()
    const elsewhere = knownElsewhere(claims(), 'alice@corp')
    const told = transactionClaims(elsewhere, { to: 'payroll', alone: false })
    const access = await tokens.verify(await tokens.mint(elsewhere), MOUNT)
    const transaction = await tokens.verifyTransaction(await tokens.mintTransaction(told), 'payroll')
    expect(transaction).toMatchObject({ subject: 'u1', account: 'u1', delegation: { rem: 0 } })
    expect(() => checkBeside(transaction, access)).not.toThrow()
    await revocation.revoke('user', 'u1')
    expect(tokens.revoked(transaction)).toBe(true)
  })

  test('is for no other client', async () => {
    const { tokens, token } = await mintedFor()
    await expect(tokens.verifyTransaction(token, 'notes')).rejects.toMatchObject({ code: 'audience' })
  })

  test('is no access token, not even to the one who takes it back; nor is an access token one', async () => {
    const { tokens, token } = await mintedFor()
    await expect(tokens.verify(token, 'gw.example')).rejects.toMatchObject({ code: 'type' })
    await expect(tokens.identify(token)).rejects.toMatchObject({ code: 'type' })
    const access = await tokens.mint(claims())
    await expect(tokens.verifyTransaction(access, 'crm')).rejects.toMatchObject({ code: 'type' })
  })

  test('holds to the second it expires, without the minute that others are given', async () => {
    const { tokens, token, clock } = await mintedFor()
    clock.time = (NOW + 59) * 1000 + 999
    await tokens.verifyTransaction(token, 'crm')
    clock.time = (NOW + 60) * 1000
    await expect(tokens.verifyTransaction(token, 'crm')).rejects.toMatchObject({ code: 'expired' })
  })

  test.each([
    ['grant', 'grant-1'],
    ['family', 'family-1'],
    ['session', 'session-1'],
    ['user', 'u1'],
    ['token', 'jti-1'],
  ] as const)('ends with its %s, and is not signed after it', async (kind, id) => {
    const { tokens, token, told, revocation } = await mintedFor()
    const verified = await tokens.verifyTransaction(token, 'crm')
    expect(tokens.revoked(verified)).toBe(false)
    await revocation.revoke(kind, id)
    expect(tokens.revoked(verified)).toBe(true)
    await expect(tokens.mintTransaction(told)).rejects.toMatchObject({ code: 'revoked' })
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

async function published({ tokens }: { readonly tokens: Tokens }) {
  return (await tokens.keys.current()).published.map(({ publicJwk }) => publicJwk)
}

/** `open` is what a start does, again and again on the same rows. */
async function setUp() {
  const directory = mkdtempSync(join(tmpdir(), 'tetrapod-tokens-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const keyring = await openLocalKeyring({ file: join(directory, 'keyring.json') })
  const clock = { time: NOW * 1000, now: () => clock.time }
  const none = { find: async () => undefined, insert: async () => false }
  const vault = createVault({ keyring, secrets: none, partitionKeys: none, clock })
  const rows: SigningKeyRow[] = []
  const store: SigningKeyStore = {
    list: async () => [...rows],
    update: async (change) => {
      for (const row of change([...rows])) {
        const place = rows.findIndex(({ kid }) => kid === row.kid)
        rows[place === -1 ? rows.length : place] = row
      }
      return [...rows]
    },
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
      revocation,
      tokens: await openTokens({ issuer: ISSUER, store, vault, revocation, clock, algorithm: () => 'ES256' }),
    }
  }
  return { open, rows, clock, time }
}
