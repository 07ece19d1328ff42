import { LRUCache } from 'lru-cache'
import { type Clock, hashed, type Log, nowSeconds, randomId, randomToken, type Secret } from '#kernel'
import type { Account, AccountStore } from './account-store.ts'
import { type Attempts, createAttempts } from './attempts.ts'
import { fault } from './faults.ts'
import { nobodysHash, passwordMatches } from './password.ts'
import type { Revocation } from '#revocation'
import type { Session, SessionStore } from './session-store.ts'
import type { BuiltInUser, ListedUser, User } from './user.ts'

/** How long one sign-in lasts in a browser, in seconds. */
const SESSION_SECONDS = 12 * 3600
/** How built-in users prove who they are: the `acr` of their tokens. */
const ACR_PASSWORD = 'urn:tetrapod:acr:password'

export interface Users {
  /** The person behind one of our account ids; undefined when there is none, or the configuration no longer has them. */
  find(id: string): Promise<User | undefined>
  /**
   * Checks a built-in user's password. Undefined for a wrong password and for an unknown name alike, after equal work.
   * Throws, before any work, `users.too_many_tries` while the name has to wait and `users.busy` when the line is full;
   * both with `retry_after` in seconds.
   */
  authenticate(username: string, password: Secret): Promise<User | undefined>
  /** Begins a session; the cookie's value is a credential and is returned this once. */
  begin(user: User): Promise<{ readonly cookie: string; readonly session: Session }>
  /** The live session of a cookie, of a person whom the configuration still has. */
  session(cookie: string | undefined): Promise<Session | undefined>
  /** Forgets the session of a cookie, and ends nothing that came from it: another one takes its place. */
  forget(cookie: string): Promise<void>
  /**
   * Signs out: ends the session of a cookie with every login and token that came from it, durably and in force here when
   * it resolves. Undefined when there is none.
   */
  signOut(cookie: string): Promise<Session | undefined>
  /**
   * Ends every session, login and token of a user, durably and in force here when it resolves, and returns their account
   * id; undefined for one who never signed in. Also for one whom the configuration no longer has. Throws `users.unknown`.
   */
  signOutEverywhere(username: string): Promise<string | undefined>
  /** Whether the configuration links users at a provider of this name. */
  linksAt(provider: string): boolean
  /** Those of the configuration, in its order. */
  list(): Promise<readonly ListedUser[]>
}

export function createUsers(deps: {
  readonly issuer: string
  readonly builtIn: readonly BuiltInUser[]
  readonly accounts: AccountStore
  readonly sessions: SessionStore
  readonly revocation: Pick<Revocation, 'entry' | 'learn'>
  readonly clock: Clock
  readonly log: Log
  /** Handed in where it outlives these users. */
  readonly attempts?: Attempts
  readonly matches?: typeof passwordMatches
}): Users {
  const { issuer, accounts, sessions, revocation, clock, log, matches = passwordMatches } = deps
  const builtIn = new Map(deps.builtIn.map((user) => [user.username, user]))
  const nobody = nobodysHash(deps.builtIn.map(({ password }) => password))
  const { backOff, inTurn } = deps.attempts ?? createAttempts({ clock, log })
  // An account never changes once it is there, so what was read stays true.
  const remembered = new LRUCache<string, Account>({ max: 10_000 })

  const account = async (id: string) => {
    const found = remembered.get(id) ?? (await accounts.byId(id))
    if (found !== undefined) remembered.set(id, found)
    return found
  }
  // A name is a person at one issuer alone: somebody else's `alice` is not ours.
  const person = (account: Account): User | undefined => {
    const { id, subject } = account
    const user = account.issuer === issuer ? builtIn.get(subject) : undefined
    if (user === undefined) return undefined
    return {
      id,
      subjectId: { format: 'iss_sub', iss: issuer, sub: subject },
      name: user.name,
      groups: user.groups,
      linked: user.linked,
    }
  }

  const find = async (id: string) => {
    const found = await account(id)
    return found && person(found)
  }

  return {
    find,
    async authenticate(username, password) {
      backOff.check(username)
      const user = builtIn.get(username)
      const stored = user?.password ?? nobody
      const right = await inTurn(() => backOff.attempt(username, () => matches(password, stored)))
      if (user === undefined || !right) return undefined
      return person(await accountOf(accounts, { issuer, subject: username, now: clock.now() }))
    },
    async begin(user) {
      const now = nowSeconds(clock)
      const session: Session = {
        id: randomId(),
        account: user.id,
        authTime: now,
        acr: ACR_PASSWORD,
        expiresAt: now + SESSION_SECONDS,
      }
      const cookie = randomToken()
      await sessions.insert(hashed(cookie), session)
      return { cookie, session }
    },
    async session(cookie) {
      const session = cookie === undefined ? undefined : await sessions.find(hashed(cookie))
      if (session === undefined || session.expiresAt <= nowSeconds(clock)) return undefined
      return (await find(session.account)) === undefined ? undefined : session
    },
    forget: (cookie) => sessions.remove(hashed(cookie)),
    async signOut(cookie) {
      const session = await sessions.find(hashed(cookie))
      if (session === undefined) return undefined
      const entry = revocation.entry('session', session.id)
      if (!(await sessions.end(hashed(cookie), clock.now(), entry))) return undefined
      revocation.learn(entry)
      return session
    },
    async signOutEverywhere(username) {
      const account = await accounts.bySubject(issuer, username)
      if (account === undefined && builtIn.has(username)) return undefined
      if (account === undefined) throw fault.unknown({ detail: username })
      const entry = revocation.entry('user', account.id)
      await sessions.endAll(account.id, clock.now(), entry)
      revocation.learn(entry)
      return account.id
    },
    linksAt: (provider) => deps.builtIn.some(({ linked }) => Object.hasOwn(linked, provider)),
    async list() {
      const counts = await sessions.counts(nowSeconds(clock))
      const listed = deps.builtIn.map(async ({ username, name, groups }): Promise<ListedUser> => {
        const account = await accounts.bySubject(issuer, username)
        return { username, name, groups, sessions: counts.get(account?.id ?? '') ?? 0 }
      })
      return Promise.all(listed)
    },
  }
}

/** The account of (`issuer`, `subject`), made at the first sign-in. Two first sign-ins at once end with one account. */
async function accountOf(
  accounts: AccountStore,
  { issuer, subject, now }: { readonly issuer: string; readonly subject: string; readonly now: number },
): Promise<Account> {
  const known = await accounts.bySubject(issuer, subject)
  if (known !== undefined) return known
  const account: Account = { id: randomId(), issuer, subject, createdAt: now }
  if (await accounts.insert(account)) return account
  const other = await accounts.bySubject(issuer, subject)
  if (other === undefined) throw new Error('an account was neither inserted nor found')
  return other
}
