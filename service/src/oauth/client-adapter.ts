import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { Agents, ClientMetadata } from '#agents'
import type { Audit } from '#audit'
import type { Grants } from '#grants'
import { asFault } from '#http'
import { clientMetadata } from './client-metadata.ts'
import { hashedSecret } from './client-secret.ts'
import type { Library } from './library.ts'

export interface ClientAdapterDeps {
  readonly agents: Agents
  readonly grants: Grants
  readonly audit: Pick<Audit, 'note'>
  readonly library: Pick<Library, 'errors' | 'Provider'>
}

const never = async () => undefined

/** The library's clients are our agents, whoever named them; what it registers, they keep. Secrets lie here as hashes. */
export function clientAdapter({ agents, grants, audit, library }: ClientAdapterDeps): Adapter {
  return {
    async find(id) {
      const agent = await agents.find(id).catch((cause: unknown) => {
        throw refusal(cause, library)
      })
      if (agent === undefined) return undefined
      return agent.kind === 'catalogue'
        ? clientMetadata(agent)
        : ({ ...agent.metadata, client_id: agent.key } as AdapterPayload)
    },
    async upsert(id, payload) {
      const { client_secret: secret, ...rest } = payload as unknown as ClientMetadata
      const kept = secret === undefined ? rest : { ...rest, client_secret: hashedSecret(secret) }
      const change = await agents.register(id, kept).catch((cause: unknown) => {
        throw refusal(cause, library)
      })
      audit.note({ kind: 'agent_changed', agent: id, change, by: 'agent' })
    },
    async destroy(id) {
      // Nobody can come back as an agent that is gone: what users permitted it ends with it.
      const used = await agents.deregister(id)
      audit.note({ kind: 'agent_changed', agent: id, change: 'deregistered', by: 'agent' })
      if (!used) return
      const live = (await grants.list()).filter((it) => it.agent === id && it.revokedAt === undefined)
      for (const { id: grant, user } of live) {
        await grants.revoke(grant)
        audit.note({ kind: 'grant_revoked', user: { id: user }, agent: id, grant, by: 'agent' })
      }
    },
    findByUid: never,
    findByUserCode: never,
    consume: never,
    revokeByGrantId: never,
  }
}

/** RFC 7592: the one token that manages a registration lies beside it, hashed, and ends with it. */
export function managementAdapter({ agents }: Pick<ClientAdapterDeps, 'agents'>): Adapter {
  return {
    async find(id) {
      const clientId = await agents.managedBy(id)
      return clientId === undefined ? undefined : { kind: 'RegistrationAccessToken', jti: id, clientId }
    },
    upsert: (id, { clientId = '' }) => agents.setManagement(clientId, id),
    async destroy(id) {
      const clientId = await agents.managedBy(id)
      if (clientId !== undefined) await agents.setManagement(clientId, undefined)
    },
    findByUid: never,
    findByUserCode: never,
    consume: never,
    revokeByGrantId: never,
  }
}

/** The error of the library for a failure of ours, with the failure in it for the page. */
function refusal(cause: unknown, { errors, Provider }: ClientAdapterDeps['library']): unknown {
  const { kind, message } = asFault(cause)
  if (kind === 'unavailable' || kind === 'limited')
    return Object.assign(new errors.TemporarilyUnavailable(message, { cause }), {
      statusCode: 503,
      expose: true,
    })
  if (kind !== 'denied' && kind !== 'invalid') return cause
  // RFC 6749 §5.2 wants a 401 where a client authenticates; a person at the page does not.
  const statusCode = isAtTokenEndpoint(Provider) ? 401 : 400
  return Object.assign(new errors.InvalidClient(message, { cause }), { statusCode })
}

function isAtTokenEndpoint(provider: Library['Provider']): boolean {
  return (provider as unknown as { ctx?: { oidc?: { route?: string } } }).ctx?.oidc?.route === 'token'
}
