import {
  type AccessToken,
  type Actor,
  type Chain,
  currentActor,
  innermostActor,
  isObject,
  type Scopes,
  type SubjectId,
  type TransactionToken,
} from '@tetrapod/protocol'
import type { ApiFetch } from './api-fetch.ts'
import { InsufficientScope } from './errors.ts'
import type { RequestHeaders } from './exchange.ts'

/** Who calls, as the verified token says. */
export interface Caller {
  /**
   * The person: Tetrapod's own id, what `sub` says (the same, or their id at the provider that this API's `subject` names),
   * and how the identity provider where they sign in knows them (RFC 9493).
   */
  readonly user: { readonly id: string; readonly subject: string; readonly subjectId: SubjectId }
  /** The agent the user let act: the innermost actor. */
  readonly agent: Actor
  /** Who sent this request: the outermost actor. */
  readonly actor: Actor
  /** Everyone who acted in between, outermost first. */
  readonly chain: Chain
  readonly scopes: Scopes
  /** All verified claims: of the access token, or of the transaction token where the server's credential is not ours. */
  readonly token: AccessToken | TransactionToken
  /** Throws {@link InsufficientScope} unless every one of these is held. */
  readonly requireScopes: (...scopes: readonly string[]) => void
  /**
   * Gets the headers of a request to `api` (its catalogue key) with these scopes there, for this user, this chain
   * and this server (RFC 8693): all of them, for that one request. Throws `ExchangeRefused` or `ExchangeUnavailable`.
   */
  readonly exchangeFor: (api: string, scopes: readonly string[]) => Promise<RequestHeaders>
  /** Calls an API with such headers: see {@link ApiFetch}. */
  readonly fetch: ApiFetch
}

const callers = new WeakSet<object>()

export function createCaller(
  token: Caller['token'],
  { exchangeFor, fetch }: Pick<Caller, 'exchangeFor' | 'fetch'>,
  resourceMetadataUrl: string,
): Caller {
  const { chain, scopes } = token
  const caller: Caller = {
    user: { id: token.account, subject: token.subject, subjectId: token.subjectId },
    agent: innermostActor(chain),
    actor: currentActor(chain),
    chain,
    scopes,
    token,
    requireScopes(...needed) {
      if (!needed.every((scope) => scopes.has(scope)))
        throw new InsufficientScope(needed, resourceMetadataUrl)
    },
    exchangeFor,
    fetch,
  }
  callers.add(caller)
  return caller
}

/**
 * The caller of a guarded request: from the request a plain API received, or from what the MCP SDK (v1 or v2) hands to
 * a tool, a resource or a prompt (or the `authInfo` in it). Throws when no guard has let the request in.
 */
export function callerOf(source: unknown): Caller {
  const auth =
    member(source, 'auth') ??
    member(member(source, 'http'), 'authInfo') ??
    member(source, 'authInfo') ??
    source
  const caller = member(member(auth, 'extra'), 'caller')
  if (!isCaller(caller)) throw new Error('Nobody verified this request: serve it through protect()')
  return caller
}

function isCaller(value: unknown): value is Caller {
  return typeof value === 'object' && value !== null && callers.has(value)
}

function member(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined
}
