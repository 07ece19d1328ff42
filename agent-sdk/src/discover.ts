import {
  type BearerChallenge,
  isLoopback,
  parseScope,
  protectedResourceMetadataUrl,
  readChallenge,
  type Scopes,
} from '@tetrapod/protocol'
import { allowedUrl } from './allowed-url.ts'
import { type AuthorizationServer, findAuthorizationServer } from './authorization-server.ts'
import type { Door } from './door.ts'
import { JourneyFailed } from './journey-failed.ts'
import { type Document, firstDocument, stringsOf } from './metadata.ts'

/** What an MCP URL leads to: whom to ask for a token, and for which scopes unless the application knows better. */
export interface Destination {
  /** Where the token is sent, and nowhere else. */
  readonly mcpUrl: string
  /** What the token is for (RFC 8707): the MCP URL, or its origin where the metadata of that is all there is. */
  readonly resource: string
  /** The challenge's scopes, else all the resource has; undefined when it names none (MCP authorization). */
  readonly scopes: Scopes | undefined
  readonly server: AuthorizationServer
}

export interface DiscoverDeps {
  readonly door: Door
  /** Where the agent is registered. Undefined: at the first authorization server that the resource names. */
  readonly issuer: string | undefined
  /** The challenge of the MCP server, when somebody has heard it already. */
  readonly challenge?: BearerChallenge | undefined
}

/**
 * From an MCP URL to its authorization server (RFC 9728, RFC 8414, OpenID Connect Discovery).
 *
 * Nothing a document says is used before the document has proved to be about what was asked: the resource is the one
 * that was looked up (RFC 9728 §3.3), and so is the issuer (RFC 8414 §3.3). Throws {@link JourneyFailed}.
 */
export async function discover(
  mcpUrl: string,
  { door, issuer, challenge: heard }: DiscoverDeps,
): Promise<Destination> {
  const url = allowedUrl(mcpUrl, { name: 'MCP URL', local: true })
  const local = isLoopback(url)
  const challenge = heard ?? (await challengeOf(mcpUrl, door))
  const { resource, document } = await resourceMetadata(mcpUrl, { challenge, local, door })
  const servers = stringsOf(document, 'authorization_servers') ?? []
  const server = await findAuthorizationServer(choose(servers, issuer), { local, door })
  return {
    mcpUrl,
    resource,
    scopes: scopesOf(challenge.scope, stringsOf(document, 'scopes_supported')),
    server,
  }
}

/**
 * The 401 of the MCP server. The call changes nothing should the server be open, and opens no stream: a complete
 * `server/discover` (MCP 2026-07-28), so that a server which reads the request before the token understands it too.
 */
async function challengeOf(mcpUrl: string, door: Door): Promise<BearerChallenge> {
  const response = await door(mcpUrl, { method: 'POST', headers: KNOCK_HEADERS, body: JSON.stringify(KNOCK) })
  await response.body?.cancel()
  if (response.status === 401) return readChallenge(response.headers.get('www-authenticate') ?? '')
  throw new JourneyFailed(
    'discovery.not_protected',
    `${mcpUrl} answered ${response.status} and asked for no login. Check the URL; an open server needs no token.`,
  )
}

interface ResourceMetadata {
  readonly resource: string
  readonly document: Document
}

async function resourceMetadata(
  mcpUrl: string,
  { challenge, local, door }: { challenge: BearerChallenge; local: boolean; door: Door },
): Promise<ResourceMetadata> {
  const { origin } = new URL(mcpUrl)
  const root = `${origin}/.well-known/oauth-protected-resource`
  const named = challenge.resourceMetadata
  const places =
    named === undefined
      ? [protectedResourceMetadataUrl(mcpUrl), root]
      : [allowedUrl(named, { name: 'resource_metadata URL', local }).href]
  const { url, document } = await firstDocument(places, door)
  // At the root the document of the whole origin is looked up, if nobody named that place for the MCP URL itself.
  const lookedUp = named === undefined && url === root ? [mcpUrl, origin] : [mcpUrl]
  const resource = lookedUp.find((it) => it === document['resource'])
  if (resource !== undefined) return { resource, document }
  throw new JourneyFailed(
    'discovery.resource_mismatch',
    `The metadata found for ${mcpUrl} is about another resource. Use exactly the URL its operator publishes.`,
  )
}

function choose(servers: readonly string[], issuer: string | undefined): string {
  const chosen = issuer === undefined ? servers[0] : servers.find((server) => server === issuer)
  if (chosen !== undefined) return chosen
  throw new JourneyFailed(
    'discovery.issuer_unknown',
    issuer === undefined
      ? 'The MCP server names no authorization server. Ask whoever runs it to correct its metadata.'
      : `The MCP server does not accept logins of ${issuer}. Register the agent where it does.`,
  )
}

function scopesOf(
  challenged: string | undefined,
  supported: readonly string[] | undefined,
): Scopes | undefined {
  try {
    if (challenged !== undefined) return parseScope(challenged)
    return supported === undefined ? undefined : parseScope(supported.join(' '))
  } catch (cause) {
    const message = 'The MCP server names malformed scopes. Ask whoever runs it to correct its metadata.'
    throw new JourneyFailed('discovery.metadata_malformed', message, { cause })
  }
}

const KNOCK_VERSION = '2026-07-28'
const KNOCK_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': KNOCK_VERSION,
  'mcp-method': 'server/discover',
}
const KNOCK = {
  jsonrpc: '2.0',
  id: 1,
  method: 'server/discover',
  params: {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': KNOCK_VERSION,
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
}
