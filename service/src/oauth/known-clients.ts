import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose'
import { LRUCache } from 'lru-cache'
import { type Agents, ASSERTION_ALGORITHMS, type DocumentHost, type LearntAgent } from '#agents'
import type { Discovered } from '#egress'
import { Fault } from '#kernel'
import type { Client } from './client-authentication.ts'
import { fault } from './faults.ts'

export interface KnownClientsDeps {
  /** Who of the catalogue can prove who they are. */
  readonly clients: (id: string) => Client | undefined
  readonly agents: Agents
  readonly discovered: Discovered
  readonly documentHosts: readonly DocumentHost[]
}

const KEY_SET_BYTES_MAX = 64 * 1024
const KEY_SETS_MAX = 1000

/** Finds whoever may prove who it is. An agent that an operator stopped is nobody. */
export function knownClients(deps: KnownClientsDeps) {
  const { clients, agents } = deps
  const keysOf = learntKeys(deps)
  const catalogue = async (id: string): Promise<Client | undefined> => {
    const client = clients(id)
    if (client?.kind !== 'agent') return client
    return (await agents.standing(id))?.disabled === false ? client : undefined
  }
  return {
    /** Those of the catalogue. */
    catalogue,
    /** Those, and agents that named themselves. */
    async all(id: string): Promise<Client | undefined> {
      if (clients(id) !== undefined) return catalogue(id)
      const agent = await agents.find(id).catch((error: unknown) => {
        // That its document cannot be had now says nothing of the agent.
        if (error instanceof Fault && (error.kind === 'denied' || error.kind === 'invalid')) return undefined
        throw error
      })
      if (agent === undefined || agent.kind === 'catalogue') return undefined
      return { id, kind: 'agent', proof: proofOf(agent, keysOf) }
    },
  }
}

function proofOf(agent: LearntAgent, keysOf: (agent: LearntAgent) => JWTVerifyGetKey): Client['proof'] {
  const { token_endpoint_auth_method: method, token_endpoint_auth_signing_alg: alg } = agent.metadata
  if (method === 'none') return { none: true }
  if (method !== 'private_key_jwt') return { hashedSecret: agent.metadata.client_secret }
  return { keys: keysOf(agent), algorithms: alg === undefined ? ASSERTION_ALGORITHMS : [alg] }
}

/** Its keys lie in what it said of itself, or where it said they are: fetched through the door to what was learnt (DESIGN §4.11). */
function learntKeys({ discovered, documentHosts }: KnownClientsDeps) {
  const sets = new LRUCache<string, JWTVerifyGetKey>({ max: KEY_SETS_MAX })
  return ({ kind, key, metadata: { jwks, jwks_uri: address } }: LearntAgent): JWTVerifyGetKey => {
    if (typeof address !== 'string') return createLocalJWKSet(jwks as unknown as JSONWebKeySet)
    const place = `${key} ${address}`
    const known = sets.get(place)
    if (known !== undefined) return known
    // What an operator allows the host of a document, it may do for that agent's own keys, and for nobody else's.
    const own = kind === 'document' ? new URL(key).host : undefined
    const listed = documentHosts.find(({ host }) => host === own)
    const fetchKeys = async (url: string) => {
      const request = { url, accept: 'application/json', bytesMax: KEY_SET_BYTES_MAX, listed }
      const answer = await discovered.get(request).catch((cause: unknown) => {
        throw fault.client_unauthenticated({ detail: 'its keys cannot be fetched', cause })
      })
      return new Response(new Uint8Array(answer.body), { status: answer.status })
    }
    const keys = createRemoteJWKSet(new URL(address), { [customFetch]: fetchKeys, cacheMaxAge: 10 * 60_000 })
    sets.set(place, keys)
    return keys
  }
}
