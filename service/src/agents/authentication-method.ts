import { SIGNING_ALGORITHM } from '@tetrapod/protocol'
import { z } from 'zod'
import type { Fault } from '#kernel'

/** What an assertion of an agent that named itself may be signed with. RS256: ChatGPT's document names it. */
export const ASSERTION_ALGORITHMS: readonly string[] = [SIGNING_ALGORITHM, 'RS256']

const KEYS_MAX = 16
const METHODS = {
  registration: ['none', 'private_key_jwt', 'client_secret_basic', 'client_secret_post'],
  // The document is public, and so would a secret be.
  document: ['none', 'private_key_jwt'],
} as const

const keySet = z.object({
  keys: z.array(z.record(z.string(), z.unknown())).min(1).max(KEYS_MAX),
})
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

type Said = Readonly<Record<string, unknown>>
type Refused = (reason: string) => Fault

/**
 * How the agent proves itself at the token endpoint: the method it prefers, or the first of those it names that is offered
 * here (`token_endpoint_auth_methods_supported`, OpenID Connect RP Metadata Choices); with its keys.
 */
export function authentication(said: Said, source: 'registration' | 'document', refused: Refused) {
  if (said['client_secret'] !== undefined)
    throw refused('A secret is made here and nowhere else: leave client_secret out.')
  const method = methodOf(said, source)
  if (method === undefined)
    throw refused(`token_endpoint_auth_method is one of ${METHODS[source].join(', ')}.`)
  if (method !== 'private_key_jwt') return { token_endpoint_auth_method: method }
  return { token_endpoint_auth_method: method, ...algorithm(said, refused), ...keys(said, refused) }
}

function methodOf(said: Said, source: 'registration' | 'document'): string | undefined {
  // RFC 7591 §2: absent means Basic. A document cannot mean that.
  const preferred =
    said['token_endpoint_auth_method'] ?? (source === 'document' ? 'none' : 'client_secret_basic')
  const others = z.array(z.string()).max(32).safeParse(said['token_endpoint_auth_methods_supported'])
  const named = [preferred, ...(others.success ? others.data : [])]
  const offered: readonly string[] = METHODS[source]
  return named.find((one): one is string => typeof one === 'string' && offered.includes(one))
}

function algorithm(said: Said, refused: Refused) {
  const alg = said['token_endpoint_auth_signing_alg']
  if (alg === undefined) return {}
  if (typeof alg !== 'string' || !ASSERTION_ALGORITHMS.includes(alg))
    throw refused(`token_endpoint_auth_signing_alg is one of ${ASSERTION_ALGORITHMS.join(', ')}.`)
  return { token_endpoint_auth_signing_alg: alg }
}

/** Exactly one of a key set and the address of one (RFC 7591 §2). Public keys alone. */
function keys({ jwks, jwks_uri }: Said, refused: Refused) {
  if ((jwks === undefined) === (jwks_uri === undefined))
    throw refused('private_key_jwt needs exactly one of jwks and jwks_uri.')
  if (jwks_uri !== undefined) return { jwks_uri: keySetAddress(jwks_uri, refused) }
  const set = keySet.safeParse(jwks)
  if (!set.success) throw refused(`jwks is { "keys": [...] } with 1 to ${KEYS_MAX} keys.`)
  if (set.data.keys.some((key) => key['kty'] === 'oct' || PRIVATE_MEMBERS.some((member) => member in key)))
    throw refused('jwks holds public keys alone. Make a new key: this one is no secret any more.')
  return { jwks: set.data }
}

function keySetAddress(value: unknown, refused: Refused): string {
  const text = typeof value === 'string' && value.length <= 512 && URL.canParse(value) ? value : ''
  if (text === '' || new URL(text).href !== text || !/^https:\/\/[^/?#@]+\/[^#]*$/.test(text))
    throw refused('jwks_uri is an https URL, written canonically, without a fragment.')
  return text
}
