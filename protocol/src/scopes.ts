import { Refusal } from './refusal.ts'

/** A set of scope tokens of one resource. Sets of two resources compare only through `calls`. */
export type Scopes = ReadonlySet<string>

/** What each scope of the caller lets it ask for at one API: `{ 'crm.read': ['payroll.read'] }`. */
export type ScopeEdges = Readonly<Record<string, readonly string[]>>

// RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/

/** True for one scope token of RFC 6749 §3.3, of at most 256 characters. */
export function isScopeToken(value: string): boolean {
  return SCOPE_TOKEN.test(value)
}

/**
 * Reads a `scope` value (RFC 6749 §3.3). The empty string is the empty set.
 * Throws {@link Refusal} `claims` for anything that is not a list of scope tokens.
 */
export function parseScope(value: string): Scopes {
  if (value === '') return new Set()
  const tokens = value.split(' ')
  if (!tokens.every(isScopeToken)) throw new Refusal('claims', 'scope is not a list of scope tokens')
  return new Set(tokens)
}

/** Writes a `scope` value, in the set's own order. */
export function formatScope(scopes: Iterable<string>): string {
  return [...scopes].join(' ')
}

/** What the holder of `scopes` may ask for at the API these edges lead to. */
export function throughCalls(edges: ScopeEdges, scopes: Scopes): Scopes {
  return new Set(Object.entries(edges).flatMap(([scope, reached]) => (scopes.has(scope) ? reached : [])))
}

/**
 * Reads the edges backwards: the scopes of the caller that would reach every one of `wanted`, or undefined
 * when some of them cannot be reached from anywhere. Of several ways to a scope the first edge is taken.
 */
export function backThroughCalls(edges: ScopeEdges, wanted: Scopes): Scopes | undefined {
  const needed = new Set<string>()
  for (const scope of wanted) {
    const source = Object.keys(edges).find((key) => edges[key]?.includes(scope))
    if (source === undefined) return undefined
    needed.add(source)
  }
  return needed
}
