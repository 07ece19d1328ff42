import { z } from 'zod'

const entry = z.looseObject({
  sequence: z.int().nonnegative(),
  kind: z.string().max(64),
  id_hash: z.string().max(128),
  at: z.int().nonnegative(),
  expires_at: z.int().nonnegative(),
})
const page = z.looseObject({
  sequence: z.int().nonnegative(),
  entries: z.array(entry).max(1024),
  more: z.exactOptional(z.boolean()),
  reset: z.exactOptional(z.boolean()),
})

/** One entry of the revocation feed, as it travels: `id_hash` is SHA-256 of the id, base64url; times are milliseconds. */
export interface RevocationEntry {
  readonly sequence: number
  readonly kind: string
  readonly id_hash: string
  readonly at: number
  /** After this no token it concerns can be alive. */
  readonly expires_at: number
}

/** What a reader of the feed is answered. */
export interface RevocationPage {
  /** The reader's new place: what it sends as `after` next. */
  readonly sequence: number
  readonly entries: readonly RevocationEntry[]
  /** There is more already; the reader is not up to date yet. */
  readonly more?: boolean
  /** The place that was asked for is none of the feed's: this page begins the whole live set. */
  readonly reset?: boolean
}

/** Reads an answer of the feed. Throws for what is none; a kind that is not known here is kept. */
export function parseRevocationPage(value: unknown): RevocationPage {
  return page.parse(value)
}

/** Where an issuer of ours tells what it revoked. */
export function revocationFeedUrl(issuer: string): string {
  return `${issuer}/revocations`
}
