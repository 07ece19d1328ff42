import type { Client } from './client.ts'
import { isTrustworthy } from './fetch-json.ts'
import type { Io } from './io.ts'
import type { Credential } from './presented.ts'

export interface ProtectOptions extends Io {
  /** Tetrapod's `publicUrl`. */
  readonly issuer: string
  /**
   * Where this resource is: the one audience it accepts. With a path, that path is served and no other (an MCP
   * endpoint); without one, every path is (a plain API).
   */
  readonly resource: string
  /** Every scope this resource knows. */
  readonly scopes: readonly string[]
  /** What people call it. */
  readonly name?: string
  /**
   * Who it is when it asks for the next token and when it follows the revocation feed. Without one it calls no API, and
   * a token it got holds until it expires (at most five minutes), revoked or not.
   */
  readonly client?: Client
  /**
   * What the gateway calls it with: the same as `credential` of this server in the catalogue, `token_exchange` if absent.
   * With anything else it must be `internal` there and have a client here: who calls is then said by the transaction token,
   * and requests with an access token are not let in. With `none` nothing but that token is asked for.
   */
  readonly credential?: Credential
}

/**
 * Throws where `issuer` or `resource` is no https URL (or loopback http) without query and fragment, and where a
 * credential that is not ours is empty or has no client beside it.
 */
export function checkOptions(options: ProtectOptions): void {
  checkUrl('issuer', options.issuer)
  checkUrl('resource', options.resource)
  checkCredential(options)
}

function checkUrl(option: string, url: string): void {
  if (isTrustworthy(url) && !/[?#]/.test(url)) return
  throw new Error(`${option} must be an https URL (or loopback http) without query and fragment, not ${url}`)
}

function checkCredential({ credential = 'token_exchange', client }: ProtectOptions): void {
  if (credential === 'token_exchange') return
  if (client === undefined)
    throw new Error('Give protect() a client: transaction tokens name the client they are for')
  if (credential !== 'none' && credential.value === '') throw new Error('credential.value must not be empty')
}
