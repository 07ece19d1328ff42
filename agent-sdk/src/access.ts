import type { Scopes } from '@tetrapod/protocol'
import type { LoginOptions } from './authorization-url.ts'
import type { Access } from './bearer-fetch.ts'
import type { Destination } from './discover.ts'
import { LoginRequired, StepUpRequired } from './journey-failed.ts'
import type { Journey } from './journey.ts'
import type { Keeper } from './keeper.ts'
import { createQueue } from './queue.ts'

/** A login that was made: it renews its token, and for all else the application has to begin a new one. */
export function accessOfLogin(keeper: Keeper): Access {
  const { mcpUrl } = keeper.destination
  return {
    token: () => tokenOf(keeper),
    async refused(sent, _challenge, again) {
      if (sent === undefined || again) throw new LoginRequired(mcpUrl)
      await keeper.renew(sent)
      return 'renewed'
    },
    async widen(_sent, scopes, again) {
      // The server may have learnt only now what the operation needs, and look for it in the same token the next time.
      if (!again && isSubset(scopes, keeper.current().scopes)) return
      throw new StepUpRequired(mcpUrl, union(keeper, scopes))
    },
  }
}

export interface InteractiveDeps {
  readonly journey: Journey
  readonly held: HeldKeepers
  /** Has the user log in, on this machine. */
  readonly askUser: (destination: Destination, options: LoginOptions) => Promise<Keeper>
}

/** The login that is in use at each MCP URL, per user. */
export interface HeldKeepers {
  get(mcpUrl: string, user: string | undefined): Keeper | undefined
  set(mcpUrl: string, keeper: Keeper): void
}

/** Access that makes the login it needs: from the store, by renewing, else by asking the user. One at a time. */
export function interactiveAccess(mcpUrl: string, options: LoginOptions, deps: InteractiveDeps): Access {
  const { journey, held, askUser } = deps
  const queue = createQueue()
  const keeper = () => held.get(mcpUrl, options.user)

  async function other(sent: string | undefined): Promise<boolean> {
    const now = keeper()
    const token = now && (await tokenOf(now))
    return token !== undefined && token !== sent
  }

  async function ask(destination: Destination, scopes: Iterable<string> | undefined): Promise<'asked'> {
    const asked = scopes === undefined ? options : { ...options, scopes }
    held.set(mcpUrl, await askUser(destination, asked))
    return 'asked'
  }

  return {
    token: async () => {
      const now = keeper()
      return now && tokenOf(now)
    },

    refused: (sent, challenge, again) =>
      queue(async () => {
        if (await other(sent)) return 'renewed'
        // The resource may have moved to another authorization server: nothing of the old one is of use there.
        const destination = await journey.discover(mcpUrl, challenge)
        const known = again ? undefined : await journey.resume(destination, options.user)
        if (known === undefined || !(await renewed(known, sent))) return ask(destination, options.scopes)
        held.set(mcpUrl, known)
        return 'renewed'
      }),

    widen: (sent, scopes, again) =>
      queue(async () => {
        const now = keeper()
        if (now !== undefined && !again && isSubset(scopes, now.current().scopes)) return
        const isWider = now !== undefined && hasAsked(now, scopes)
        if (isWider && now.current().accessToken !== sent) return
        await ask(now?.destination ?? (await journey.discover(mcpUrl)), now ? union(now, scopes) : scopes)
      }),
  }
}

async function renewed(keeper: Keeper, sent: string | undefined): Promise<boolean> {
  if (keeper.current().accessToken !== sent) return true
  try {
    await keeper.renew(sent)
    return true
  } catch (error) {
    if (error instanceof LoginRequired) return false
    throw error
  }
}

async function tokenOf(keeper: Keeper): Promise<string | undefined> {
  try {
    return (await keeper.fresh()).accessToken
  } catch (error) {
    if (error instanceof LoginRequired) return undefined
    throw error
  }
}

/** True if each of these scopes was asked for before: asking again brings nothing. */
export function hasAsked(keeper: Keeper, scopes: Iterable<string>): boolean {
  return isSubset(scopes, keeper.current().requested)
}

function isSubset(scopes: Iterable<string>, of: Scopes): boolean {
  return [...scopes].every((scope) => of.has(scope))
}

/** MCP authorization: what was asked for before, and what is asked for now. */
function union(keeper: Keeper, scopes: Scopes): Scopes {
  const { requested, scopes: granted } = keeper.current()
  return new Set([...requested, ...granted, ...scopes])
}
