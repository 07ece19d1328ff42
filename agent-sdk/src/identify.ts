import { type Clock, nowSeconds } from '@tetrapod/protocol'
import type { AuthorizationServer } from './authorization-server.ts'
import type { AgentDescription } from './client-metadata.ts'
import type { Client, Proof } from './client.ts'
import type { ClientKey } from './client-key.ts'
import type { Door } from './door.ts'
import { JourneyFailed } from './journey-failed.ts'
import { register } from './register.ts'
import { loadRegistration, saveRegistration } from './registration.ts'
import type { TokenStore } from './token-store.ts'

/** An agent that somebody registered at an authorization server. A secret goes to the issuer it belongs to, so name it. */
export type RegisteredClient =
  | {
      readonly id: string
      /** The agent's own key; its public half is registered. See `generateClientKey`. */
      readonly key: ClientKey
      /** The only authorization server to use this id and key at. Without it: the first that an MCP server names. */
      readonly issuer?: string
      readonly secret?: undefined
    }
  | { readonly id: string; readonly secret: string; readonly issuer: string; readonly key?: undefined }
  | { readonly id: string; readonly issuer?: string; readonly key?: undefined; readonly secret?: undefined }

export interface IdentifyDeps {
  readonly agent: AgentDescription
  readonly client: RegisteredClient | undefined
  /** The URL of the agent's metadata document. */
  readonly metadataDocument: string | undefined
  readonly store: TokenStore
  readonly clock: Clock
  readonly door: Door
}

/**
 * Who the agent is at this authorization server, in MCP's order: as it was registered there, by its metadata document,
 * as it registered itself, else it registers itself now. Throws {@link JourneyFailed} `client.*`, `registration.*`.
 */
export async function identify(server: AuthorizationServer, deps: IdentifyDeps): Promise<Client> {
  const known = await knownClient(server, deps)
  if (known !== undefined) return known
  const { registrationEndpoint } = server
  if (registrationEndpoint === undefined) throw unidentified(server, deps)
  const registration = await register({ ...server, registrationEndpoint }, deps)
  await saveRegistration(deps.store, server.issuer, registration)
  return registration.client
}

/** The same, without registering: undefined when the agent would have to. */
export async function knownClient(
  server: AuthorizationServer,
  { agent, client, metadataDocument, store, clock }: IdentifyDeps,
): Promise<Client | undefined> {
  if (client !== undefined) return { id: client.id, proof: registeredProof(client, server) }
  const { key } = agent
  if (metadataDocument !== undefined && server.readsMetadataDocuments) {
    const proof: Proof = key === undefined ? { method: 'none' } : { method: 'private_key_jwt', key }
    if (server.authenticationMethods.includes(proof.method)) return { id: metadataDocument, proof }
  }
  const { redirectUri } = agent
  return loadRegistration(store, server.issuer, { redirectUri, key, nowSeconds: nowSeconds(clock) })
}

function registeredProof(
  { id, key, secret }: RegisteredClient,
  { issuer, authenticationMethods }: AuthorizationServer,
): Proof {
  if (key !== undefined) return { method: 'private_key_jwt', key }
  if (secret === undefined) return { method: 'none' }
  const methods = ['client_secret_basic', 'client_secret_post'] as const
  const method = methods.find((method) => authenticationMethods.includes(method))
  if (method !== undefined) return { method, secret }
  const message = `${issuer} takes no client secrets. Register ${id} there with a key, and give the key.`
  throw new JourneyFailed('client.method_unsupported', message)
}

function unidentified({ issuer }: AuthorizationServer, { metadataDocument }: IdentifyDeps): JourneyFailed {
  const document =
    metadataDocument === undefined ? '' : ' It does not read metadata documents as this agent has one.'
  const message = `${issuer} does not know this agent and lets none register itself.${document} Register the agent there by hand and give its client id.`
  return new JourneyFailed('client.unidentified', message)
}
