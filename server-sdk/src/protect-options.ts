import type { Client } from './client.ts'
import { isTrustworthy } from './fetch-json.ts'
import type { Io } from './io.ts'

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
}

/** Throws where `issuer` or `resource` is no https URL (or loopback http) without query and fragment. */
export function checkOptions({ issuer, resource }: ProtectOptions): void {
  checkUrl('issuer', issuer)
  checkUrl('resource', resource)
}

function checkUrl(option: string, url: string): void {
  if (isTrustworthy(url) && !/[?#]/.test(url)) return
  throw new Error(`${option} must be an https URL (or loopback http) without query and fragment, not ${url}`)
}
