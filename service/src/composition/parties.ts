import type { NamedAgent } from '#agents'
import type { Api } from '#apis'
import type { Catalogue } from '#catalogue'
import { type Egress, keySet } from '#egress'
import type { Client } from '#oauth'
import type { ClientCredential } from '#secrets'
import type { Server } from '#servers'

/** Who of the catalogue can prove who they are. Keys are fetched when they are first needed. */
export function clientsOf(
  { agents, servers, apis }: Catalogue,
  egress: Egress,
): (id: string) => Client | undefined {
  const client = (kind: Client['kind'], { key, credential }: NamedAgent | Server | Api): Client[] =>
    credential === undefined ? [] : [{ id: key, kind, proof: proofOf(credential, egress) }]
  const clients = [
    ...agents.flatMap((agent) => client('agent', agent)),
    ...servers.flatMap((it) => client('server', it)),
    ...apis.flatMap((it) => client('api', it)),
  ]
  const byId = new Map(clients.map((it) => [it.id, it]))
  return (id) => byId.get(id)
}

function proofOf(credential: ClientCredential, egress: Egress): Client['proof'] {
  return credential.method === 'private_key_jwt'
    ? { keys: keySet(credential.jwksUri, egress) }
    : { secret: credential.secret }
}

/** Every origin that the operator wrote down: the only ones that are ever called. */
export function origins({ agents, servers, apis, registration }: Catalogue): readonly string[] {
  const credentials = [...agents, ...servers, ...apis].map(({ credential }) => credential)
  const keySets = credentials.flatMap((it) => (it?.method === 'private_key_jwt' ? [it.jwksUri] : []))
  const publishers = registration.statements.map(({ jwksUri }) => jwksUri)
  return [...servers.map(({ url }) => url), ...keySets, ...publishers].map((url) => new URL(url).origin)
}
