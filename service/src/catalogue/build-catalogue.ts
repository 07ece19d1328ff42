import { presetHosts } from '#agents'
import { Secret } from '#kernel'
import type { Rule } from '#policy'
import { type ClientCredential, isReference } from '#secrets'
import type { Server, UpstreamPattern } from '#servers'
import type { Catalogue, Registration } from './catalogue.ts'
import { parseListen } from './listen.ts'
import type { CatalogueInput } from './schema.ts'

/** Turns a configuration without problems into the values that the modules know. */
export function buildCatalogue(input: CatalogueInput, secrets: ReadonlyMap<string, Secret>): Catalogue {
  const { publicUrl, listen, database } = input
  const secretOf = (text: string): Secret => found(isReference(text) ? secrets.get(text) : new Secret(text))
  const credentialOf = (client: Client): ClientCredential =>
    client.jwks_uri === undefined
      ? { method: 'client_secret', secret: secretOf(found(client.secret)) }
      : { method: 'private_key_jwt', jwksUri: client.jwks_uri }
  const upstreamOf = (credential: CatalogueInput['servers'][string]['credential']): UpstreamPattern =>
    typeof credential === 'string'
      ? { pattern: credential }
      : {
          pattern: credential.pattern,
          header: credential.header.toLowerCase(),
          value: secretOf(credential.value),
        }
  return {
    publicUrl,
    listen: listen === undefined ? undefined : found(parseListen(listen)),
    database: database === undefined ? undefined : secretOf(database),
    tokens: input.tokens,
    users: Object.entries(input.users).map(([username, { name = username, password, groups, linked }]) => ({
      username,
      name,
      password: secretOf(password),
      groups,
      linked: dictionary(linked, (id) => id),
    })),
    registration: registrationOf(input.registration),
    agents: Object.entries(input.agents).map(([key, { name = key, redirect_uris = [], ...agent }]) => ({
      key,
      name,
      redirectUris: redirect_uris,
      credential: credentialOf(agent),
      exchange: agent.exchange,
      delegates: [...new Set(agent.delegates)],
    })),
    servers: Object.entries(input.servers).map(([key, server]) => ({
      key,
      name: server.name ?? key,
      url: server.url,
      mount: `${publicUrl}/${key}/mcp`,
      internal: server.internal,
      upstream: upstreamOf(server.credential),
      credential: server.client === undefined ? undefined : credentialOf(server.client),
      ...vocabularyOf(server),
    })),
    apis: Object.entries(input.apis).map(
      ([key, { name = key, resource, internal, client, scopes, subject, authentication }]) => ({
        key,
        name,
        resource,
        internal,
        credential: client === undefined ? undefined : credentialOf(client),
        scopes: dictionary(scopes, (words) => words),
        subject,
        authentication: authentication && {
          maxAgeSeconds: authentication.max_age,
          acrValues: authentication.acr_values,
        },
      }),
    ),
    rules: input.policies.flatMap(rulesOf),
  }
}

function registrationOf({
  metadataDocuments,
  dynamic,
  statements,
}: CatalogueInput['registration']): Registration {
  return {
    documentHosts:
      metadataDocuments?.map((host) => (typeof host === 'string' ? { host, private: false } : host)) ??
      presetHosts,
    dynamic,
    statements: Object.entries(statements).map(([issuer, { jwks_uri: jwksUri }]) => ({ issuer, jwksUri })),
  }
}

interface Client {
  readonly jwks_uri?: string | undefined
  readonly secret?: string | undefined
}

function vocabularyOf({
  scopes,
  calls,
  tools,
}: CatalogueInput['servers'][string]): Pick<Server, 'scopes' | 'calls' | 'tools'> {
  return {
    scopes: dictionary(scopes, (words) => words),
    calls: dictionary(calls, (edges) => dictionary(edges, (reached) => reached)),
    tools: dictionary(tools, (tool) => tool.scopes),
  }
}

function rulesOf({ permit, forbid }: CatalogueInput['policies'][number], index: number): readonly Rule[] {
  const id = `policies[${index + 1}]`
  if (permit !== undefined) return [{ id, effect: 'permit', terms: permit }]
  return forbid === undefined ? [] : [{ id, effect: 'forbid', terms: forbid }]
}

/** A record that holds its own names and no others: a tool called `constructor` is not found in it by accident. */
function dictionary<V, W>(
  record: Readonly<Record<string, V>>,
  value: (value: V) => W,
): Readonly<Record<string, W>> {
  const own: Record<string, W> = Object.create(null)
  for (const [key, held] of Object.entries(record)) own[key] = value(held)
  return own
}

// What is missing here was a problem before: the configuration never came this far.
function found<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('A configuration was built before it was checked')
  return value
}
