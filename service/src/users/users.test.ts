import { createHook } from 'node:async_hooks'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Secret } from '#kernel'
import {
  type Account,
  type AccountStore,
  type BuiltInUser,
  createUsers,
  hashPassword,
  isPasswordHash,
  type Session,
} from './index.ts'
import { passwordMatches } from './password.ts'

const ISSUER = 'https://gw.example'
const NOW = 1_800_000_000
const PASSWORD = new Secret('alice-password')
let alice: BuiltInUser
beforeAll(async () => {
  alice = {
    username: 'alice',
    name: 'Alice Adams',
    groups: ['sales'],
    password: new Secret(await hashPassword(PASSWORD)),
  }
})

describe('a sign-in', () => {
  test('is of the person whose password it is, under an id of ours that stays', async () => {
    const { users } = setUp()
    const first = await users.authenticate('alice', PASSWORD)
    expect(first).toEqual({
      id: first?.id,
      subjectId: { format: 'iss_sub', iss: ISSUER, sub: 'alice' },
      name: 'Alice Adams',
      groups: ['sales'],
    })
    expect(first?.id).not.toContain('alice')
    expect((await users.authenticate('alice', PASSWORD))?.id).toBe(first?.id)
    expect(await users.find(first?.id ?? '')).toEqual(first)
  })

  test.each([
    ['alice', 'Alice-password'],
    ['alice', ''],
    ['Alice', 'alice-password'],
    ['alice ', 'alice-password'],
    ['nobody', 'alice-password'],
    ['__proto__', 'alice-password'],
  ])('of %j with %j is nobody, and leaves no account', async (username, password) => {
    const { users, accounts } = setUp()
    expect(await users.authenticate(username, new Secret(password))).toBeUndefined()
    expect(accounts).toHaveLength(0)
  })

  test('of an unknown name costs the same one hash as a wrong password', async () => {
    const { users } = setUp()
    const hashes = countHashes()
    await users.authenticate('alice', new Secret('wrong'))
    expect(hashes.count).toBe(1)
    await users.authenticate('nobody', new Secret('wrong'))
    expect(hashes.count).toBe(2)
  })

  test('for the first time, twice at once, ends with one account', async () => {
    const { users, accounts } = setUp()
    const both = await Promise.all([
      users.authenticate('alice', PASSWORD),
      users.authenticate('alice', PASSWORD),
    ])
    expect(accounts).toHaveLength(1)
    expect(both.map((user) => user?.id)).toEqual([accounts[0]?.id, accounts[0]?.id])
  })
})

describe('a person', () => {
  test('whom the configuration no longer has is nobody, and the same person when it has them again', async () => {
    const { users, accounts, restart } = setUp()
    const signedIn = await users.authenticate('alice', PASSWORD)
    const without = restart([])
    expect(await without.find(signedIn?.id ?? '')).toBeUndefined()
    expect(await without.authenticate('alice', PASSWORD)).toBeUndefined()
    expect(await restart([alice]).find(signedIn?.id ?? '')).toEqual(signedIn)
    expect(accounts).toHaveLength(1)
  })

  test('of the same name at another issuer is somebody else', async () => {
    const { users, accounts } = setUp()
    accounts.push({ id: 'a9', issuer: 'https://idp.example', subject: 'alice', createdAt: 1 })
    expect(await users.find('a9')).toBeUndefined()
    expect((await users.authenticate('alice', PASSWORD))?.id).not.toBe('a9')
  })

  test('is not found by a user name', async () => {
    const { users } = setUp()
    await users.authenticate('alice', PASSWORD)
    expect(await users.find('alice')).toBeUndefined()
  })
})

describe('a session', () => {
  test('is found by its cookie, for twelve hours and not a second more', async () => {
    const { users, clock } = setUp()
    const { cookie, session } = await begun(users)
    expect(session).toMatchObject({
      authTime: NOW,
      acr: 'urn:tetrapod:acr:password',
      expiresAt: NOW + 43_200,
    })
    expect(await users.session(cookie)).toEqual(session)
    clock.seconds = NOW + 43_199
    expect(await users.session(cookie)).toEqual(session)
    clock.seconds = NOW + 43_200
    expect(await users.session(cookie)).toBeUndefined()
  })

  test('has a new cookie and a new id at every sign-in', async () => {
    const { users } = setUp()
    const [one, two] = [await begun(users), await begun(users)]
    expect(one.cookie).not.toBe(two.cookie)
    expect(one.session.id).not.toBe(two.session.id)
    expect(Buffer.from(one.cookie, 'base64url')).toHaveLength(32)
  })

  test('is stored without its cookie, and what is stored is no cookie', async () => {
    const { users, sessions } = setUp()
    const { cookie } = await begun(users)
    const [stored] = sessions.keys()
    expect(JSON.stringify([...sessions])).not.toContain(cookie)
    expect(await users.session(stored)).toBeUndefined()
  })

  test('is over for its cookie alone when it ends', async () => {
    const { users } = setUp()
    const [one, two] = [await begun(users), await begun(users)]
    await users.end(one.cookie)
    expect(await users.session(one.cookie)).toBeUndefined()
    expect(await users.session(two.cookie)).toEqual(two.session)
  })

  test.each([undefined, '', 'guessed'])('is not there for the cookie %j', async (cookie) => {
    const { users } = setUp()
    await begun(users)
    expect(await users.session(cookie)).toBeUndefined()
  })
})

describe('a stored password', () => {
  test('is hashed with a salt of its own and matches itself alone', async () => {
    const [one, two] = [await hashPassword(PASSWORD), await hashPassword(PASSWORD)]
    expect(one).not.toBe(two)
    expect(isPasswordHash(one)).toBe(true)
    expect(one).not.toContain('alice-password')
    expect(await passwordMatches(PASSWORD, new Secret(one))).toBe(true)
    expect(await passwordMatches(new Secret('other'), new Secret(one))).toBe(false)
  })

  test.each(['', 'alice-password', 'scrypt:16384:8:1::', 'bcrypt:16384:8:1:AAAAAAAAAAAAAAAAAAAAAA:AAAA'])(
    'that is not of the form matches nothing, not even itself: %j',
    async (stored) => {
      expect(isPasswordHash(stored)).toBe(false)
      expect(await passwordMatches(new Secret(stored), new Secret(stored))).toBe(false)
    },
  )
})

type Users = ReturnType<typeof createUsers>

async function begun(users: Users) {
  const user = await users.authenticate('alice', PASSWORD)
  if (user === undefined) throw new Error('alice did not sign in')
  return users.begin(user)
}

/** Counts the password hashes that are computed, until the test ends. */
function countHashes() {
  const hashes = { count: 0 }
  const hook = createHook({
    init: (_id, type) => void (hashes.count += type === 'SCRYPTREQUEST' ? 1 : 0),
  }).enable()
  onTestFinished(() => void hook.disable())
  return hashes
}

function setUp() {
  const clock = { seconds: NOW, now: () => clock.seconds * 1000 }
  const accounts: Account[] = []
  const sessions = new Map<string, Session>()
  const bySubject = (issuer: string, subject: string) =>
    accounts.find((it) => it.issuer === issuer && it.subject === subject)
  const accountStore: AccountStore = {
    byId: async (id) => accounts.find((account) => account.id === id),
    bySubject: async (issuer, subject) => bySubject(issuer, subject),
    insert: async (account) =>
      bySubject(account.issuer, account.subject) === undefined && accounts.push(account) > 0,
  }
  const sessionStore = {
    insert: async (hash: string, session: Session) => void sessions.set(hash, session),
    find: async (hash: string) => sessions.get(hash),
    remove: async (hash: string) => void sessions.delete(hash),
    sweep: async () => {},
  }
  const restart = (builtIn: readonly BuiltInUser[]) =>
    createUsers({ issuer: ISSUER, builtIn, accounts: accountStore, sessions: sessionStore, clock })
  return { users: restart([alice]), restart, accounts, sessions, clock }
}
