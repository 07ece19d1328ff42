import { parseScope, type Scopes } from './scopes.ts'

/** What a Bearer challenge tells a client (RFC 6750 §3, RFC 9728 §5.1). */
export interface BearerChallenge {
  readonly error: string | undefined
  readonly resourceMetadata: string | undefined
  readonly scope: string | undefined
}

// RFC 9110 §11.2: a token is a scheme, or with `=` a parameter of the scheme before it.
const ELEMENT = /[\s,]*([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/y

/**
 * Reads the first Bearer challenge of a `WWW-Authenticate` value, which may hold challenges of other schemes. Of a
 * parameter that is repeated the first counts; what cannot be read ends the reading.
 */
export function readChallenge(header: string): BearerChallenge {
  const members = new Map<string, string>()
  let bearer = false
  for (const [, name = '', quoted, bare] of elements(header)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? bare
    if (value === undefined && bearer) break
    if (value === undefined) bearer = name.toLowerCase() === 'bearer'
    else if (bearer && !members.has(name.toLowerCase())) members.set(name.toLowerCase(), value)
  }
  const [error, resourceMetadata, scope] = ['error', 'resource_metadata', 'scope'].map((name) =>
    members.get(name),
  )
  return { error, resourceMetadata, scope }
}

function* elements(header: string): Generator<RegExpExecArray> {
  const element = new RegExp(ELEMENT)
  for (let found = element.exec(header); found !== null; found = element.exec(header)) yield found
}

/** The scopes that `insufficient_scope` asks for (RFC 6750 §3.1); undefined for a challenge that names none. */
export function scopesWanted({ error, scope }: BearerChallenge): Scopes | undefined {
  if (error !== 'insufficient_scope' || scope === undefined || scope === '') return undefined
  try {
    return parseScope(scope)
  } catch {
    return undefined
  }
}
