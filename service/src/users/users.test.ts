import { createHook } from 'node:async_hooks'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Secret } from '#kernel'
import type { RevocationEntry } from '#revocation'
import {
  type Account,
  type AccountStore,
  type BuiltInUser,
  createUsers,
  hashPassword,
  isPasswordHash,
  type Session,
} from './index.ts'
import { nobodysHash, passwordMatches } from './password.ts'

const ISSUER = 'https://gw.example'
const NOW = 1_800_000_000
const PASSWORD = new Secret('alice-password')
let alice: BuiltInUser
beforeAll(async () => {
  alice = {
    username: 'alice',
    name: 'Alice Adams',
    groups: ['sales'],
    linked: { corp: 'alice@corp.example' },
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
      linked: { corp: 'alice@corp.example' },
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

  test('of an unknown name costs as much as one of the dearest user, whatever the others cost', async () => {
    const { users, checked } = setUp({
      builtIn: [
        { ...alice, username: 'cheap', password: hashOf('1024:8:1') },
        { ...alice, username: 'dear', password: hashOf('4096:8:2') },
        { ...alice, username: 'middle', password: hashOf('4096:8:1') },
      ],
      matches: async () => false,
    })
    for (const name of ['dear', 'nobody', '__proto__']) await users.authenticate(name, PASSWORD)
    expect(checked.map((stored) => stored.split(':').slice(0, 4).join(':'))).toEqual(
      Array.from({ length: 3 }, () => 'scrypt:4096:8:2'),
    )
  })

  test('never works on more than two passwords at once, and lets sixteen wait', async () => {
    const ends: (() => void)[] = []
    const matches = () => new Promise<boolean>((resolve) => ends.push(() => resolve(false)))
    const { users, checked } = setUp({ matches })
    const names = Array.from({ length: 30 }, (_, i) => `nobody-${i}`)
    const tries = names.map((name) => users.authenticate(name, PASSWORD).catch((error: unknown) => error))
    const refused = await Promise.all(tries.slice(18))
    expect(refused).toEqual(
      Array.from({ length: 12 }, () =>
        expect.objectContaining({ code: 'users.busy', kind: 'limited', data: { retry_after: 2 } }),
      ),
    )
    expect(checked).toHaveLength(2)
    for (let done = 0; done < 18; done++) {
      expect(ends.length).toBe(Math.min(done + 2, 18))
      ends[done]?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await Promise.all(tries.slice(0, 18))).toEqual(Array.from({ length: 18 }, () => undefined))
  })

  test.each(['alice', 'nobody'])(
    'of %s after five wrong passwords waits, and no work is done for it meanwhile',
    async (name) => {
      const { users, checked, clock } = setUp({ matches: async () => false })
      for (let i = 0; i < 5; i++) await users.authenticate(name, new Secret('wrong'))
      for (let i = 0; i < 40; i++)
        await expect(users.authenticate(name, PASSWORD)).rejects.toMatchObject({
          code: 'users.too_many_tries',
        })
      expect(checked).toHaveLength(5)
      clock.seconds += 2
      await users.authenticate(name, PASSWORD)
      expect(checked).toHaveLength(6)
    },
  )

  test('that has to wait takes no place in the line from others', async () => {
    let answer: () => Promise<boolean> = async () => false
    const { users } = setUp({ matches: () => answer() })
    for (let i = 0; i < 5; i++) await users.authenticate('nobody', PASSWORD)
    let release = () => {}
    const held = new Promise<boolean>((resolve) => (release = () => resolve(true)))
    answer = () => held
    const others = [1, 2].map(() => users.authenticate('alice', PASSWORD))
    const refused = Array.from({ length: 20 }, () =>
      users.authenticate('nobody', PASSWORD).catch((error: unknown) => error),
    )
    others.push(users.authenticate('alice', PASSWORD))
    expect(await Promise.all(refused)).toEqual(
      Array.from({ length: 20 }, () => expect.objectContaining({ code: 'users.too_many_tries' })),
    )
    release()
    expect((await Promise.all(others)).map((user) => user?.name)).toEqual(
      Array.from({ length: 3 }, () => 'Alice Adams'),
    )
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

  test('of a person whom the configuration no longer has is none', async () => {
    const { users, restart } = setUp()
    const { cookie, session } = await begun(users)
    expect(await restart([]).session(cookie)).toBeUndefined()
    expect(await restart([alice]).session(cookie)).toEqual(session)
  })

  test('is stored without its cookie, and what is stored is no cookie', async () => {
    const { users, sessions } = setUp()
    const { cookie } = await begun(users)
    const [stored] = sessions.keys()
    expect(JSON.stringify([...sessions])).not.toContain(cookie)
    expect(await users.session(stored)).toBeUndefined()
  })

  test('is over for its cookie alone when another takes its place, and nothing is revoked', async () => {
    const { users, learnt } = setUp()
    const [one, two] = [await begun(users), await begun(users)]
    await users.forget(one.cookie)
    expect(await users.session(one.cookie)).toBeUndefined()
    expect(await users.session(two.cookie)).toEqual(two.session)
    expect(learnt).toEqual([])
  })

  test('is over for its cookie alone when they sign out, once, and its tokens end with it', async () => {
    const { users, learnt } = setUp()
    const [one, two] = [await begun(users), await begun(users)]
    expect(await users.signOut(one.cookie)).toEqual(one.session)
    expect(await users.signOut(one.cookie)).toBeUndefined()
    expect(await users.signOut('guessed')).toBeUndefined()
    expect(await users.session(one.cookie)).toBeUndefined()
    expect(await users.session(two.cookie)).toEqual(two.session)
    expect(learnt).toMatchObject([{ kind: 'session', idHash: one.session.id }])
  })

  test('is over with all others of the user when an operator says so, also of one who was taken out', async () => {
    const { users, restart, learnt } = setUp()
    const { cookie, session } = await begun(users)
    expect(await users.list()).toMatchObject([{ username: 'alice', sessions: 1 }])
    expect(await restart([]).signOutEverywhere('alice')).toBe(session.account)
    expect(await users.session(cookie)).toBeUndefined()
    expect(await users.list()).toMatchObject([{ username: 'alice', sessions: 0 }])
    expect(learnt).toMatchObject([{ kind: 'user', idHash: session.account }])
    await expect(users.signOutEverywhere('nobody')).rejects.toMatchObject({ code: 'users.unknown' })
  })

  test('of somebody who never signed in is nothing to end', async () => {
    const { users, learnt } = setUp()
    expect(await users.signOutEverywhere('alice')).toBeUndefined()
    expect(learnt).toEqual([])
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

describe('what a stored password may cost', () => {
  const like = (cost: string, salt = 22, hash = 43) =>
    `scrypt:${cost}:${'s'.repeat(salt)}:${'h'.repeat(hash)}`

  test.each(['1024:8:1', '16384:8:1', '32768:1:1', '262144:8:1', '1024:2048:1', '16384:8:16'])(
    '%s may be',
    (cost) => expect(isPasswordHash(like(cost))).toBe(true),
  )

  test.each([
    ['an N that is no power of two', like('16385:8:1')],
    ['an N too small', like('512:8:1')],
    ['more memory than 256 MiB', like('524288:8:1')],
    ['a little more memory than that', like('2048:1025:1')],
    ['an N that is too large for its r', like('65536:1:1')],
    ['no r', like('16384:0:1')],
    ['no p', like('16384:8:0')],
    ['a p without end', like('16384:8:17')],
    ['a salt of less than 16 bytes', like('16384:8:1', 21)],
    ['a hash of 31 bytes', like('16384:8:1', 22, 42)],
    ['a hash of 33 bytes', like('16384:8:1', 22, 44)],
  ])('%s may not, and matches nothing instead of failing', async (_, stored) => {
    expect(isPasswordHash(stored)).toBe(false)
    expect(await passwordMatches(PASSWORD, new Secret(stored))).toBe(false)
  })

  test.each(['262144:8:1', '32768:1:16'])('%s, as dear as can be, is worked out', async (cost) => {
    expect(await passwordMatches(PASSWORD, new Secret(like(cost)))).toBe(false)
  })

  test('nobody has a hash of the usual cost where there are no users, and a good one', () => {
    expect(nobodysHash([]).reveal()).toMatch(/^scrypt:16384:8:1:/)
    expect(isPasswordHash(nobodysHash([hashOf('262144:8:1')]).reveal())).toBe(true)
  })
})

/** A stored password of this cost that nothing matches. */
function hashOf(cost: string): Secret {
  return new Secret(`scrypt:${cost}:${'s'.repeat(22)}:${'h'.repeat(43)}`)
}

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

/** `matches` stands for the work on a password; `checked` are the stored ones that were worked on. */
function setUp({
  builtIn = [alice],
  matches = passwordMatches,
}: { readonly builtIn?: readonly BuiltInUser[]; readonly matches?: typeof passwordMatches } = {}) {
  const checked: string[] = []
  const counted: typeof passwordMatches = (password, stored) => {
    checked.push(stored.reveal())
    return matches(password, stored)
  }
  const clock = { seconds: NOW, now: () => clock.seconds * 1000 }
  const accounts: Account[] = []
  const sessions = new Map<string, Session>()
  const learnt: RevocationEntry[] = []
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
    end: async (hash: string) => sessions.delete(hash),
    endAll: async (account: string) => {
      for (const [hash, session] of sessions) if (session.account === account) sessions.delete(hash)
    },
    counts: async () => {
      const byAccount = Map.groupBy(sessions.values(), ({ account }) => account)
      return new Map([...byAccount].map(([account, all]) => [account, all.length]))
    },
    sweep: async () => {},
  }
  const restart = (builtIn: readonly BuiltInUser[]) =>
    createUsers({
      issuer: ISSUER,
      builtIn,
      accounts: accountStore,
      sessions: sessionStore,
      revocation: {
        entry: (kind, id) => ({ kind, idHash: id, at: NOW * 1000, expiresAt: NOW * 1000 }),
        learn: (entry) => learnt.push(entry),
      },
      clock,
      log: { info: () => {}, warn: () => {}, error: () => {} },
      matches: counted,
    })
  return { users: restart(builtIn), restart, accounts, sessions, learnt, clock, checked }
}
