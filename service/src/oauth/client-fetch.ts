import type { Agents, DocumentHost } from '#agents'
import { configuredFetch, type Discovered, type Egress } from '#egress'
import type { Clock } from '#kernel'
import { createLearntKeys } from './learnt-keys.ts'
import type { Library } from './library.ts'

export interface ClientFetchDeps {
  readonly agents: Agents
  readonly egress: Egress
  readonly discovered: Discovered
  /** Whose metadata documents are accepted. */
  readonly documentHosts: readonly DocumentHost[]
  readonly clock: Clock
}

/**
 * What the library fetches: the key set of the client that is being authenticated. Of an agent of the catalogue, through
 * the door to what is configured; of one that named itself, through the other, whatever address it wrote down (DESIGN §4.11).
 */
export function clientFetch(deps: ClientFetchDeps, provider: Library['Provider']): typeof fetch {
  const { agents, egress, documentHosts } = deps
  const configured = configuredFetch(egress)
  const learnt = createLearntKeys(deps)
  return async (input, init) => {
    const client = authenticating(provider)
    const standing = client === undefined ? undefined : await agents.standing(client)
    if (standing?.kind === 'catalogue') return configured(input, init)
    if (client === undefined || standing === undefined) throw new TypeError('nothing is fetched for nobody')
    const url = input instanceof Request ? input.url : String(input)
    // What an operator allows the host of a document, it may do for that agent's own keys, and for nobody else's.
    const own = standing.kind === 'document' ? new URL(client).host : undefined
    const listed = documentHosts.find(({ host }) => host === own && host === new URL(url).host)
    return new Response(new Uint8Array(await learnt({ url, listed })))
  }
}

function authenticating(provider: Library['Provider']): string | undefined {
  const { ctx } = provider as unknown as { ctx?: { oidc?: { client?: { clientId?: string } } } }
  return ctx?.oidc?.client?.clientId
}
