import { authorizationServerMetadataUrl } from '@tetrapod/protocol'
import { allowedUrl } from './allowed-url.ts'
import type { Door } from './door.ts'
import { JourneyFailed } from './journey-failed.ts'
import { firstDocument, stringOf, stringsOf } from './metadata.ts'

/** What we use of an authorization server's metadata, checked. */
export interface AuthorizationServer {
  readonly issuer: string
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  /** It promises `iss` in every authorization response (RFC 9207 §3). */
  readonly sendsIssuer: boolean
  /** Where a client registers itself (RFC 7591). Undefined: nowhere. */
  readonly registrationEndpoint: string | undefined
  /** How clients may prove themselves. RFC 8414 §2: whoever does not say means `client_secret_basic`. */
  readonly authenticationMethods: readonly string[]
  /** Undefined: it does not say. */
  readonly grantTypes: readonly string[] | undefined
  readonly scopes: readonly string[]
  /** It takes the URL of a metadata document for a client id (draft-ietf-oauth-client-id-metadata-document). */
  readonly readsMetadataDocuments: boolean
}

/**
 * Reads the metadata of an issuer (RFC 8414 §3, OpenID Connect Discovery §4), in the order MCP asks for.
 *
 * Refuses a document of another issuer, one that does not offer PKCE with S256, and endpoints that are neither https
 * nor on loopback. Throws {@link JourneyFailed}.
 */
export async function findAuthorizationServer(
  issuer: string,
  { local, door }: { local: boolean; door: Door },
): Promise<AuthorizationServer> {
  allowedUrl(issuer, { name: 'issuer', local })
  if (issuer.includes('?')) throw malformed('issuer without a query')
  const { document } = await firstDocument(metadataUrls(issuer), door)
  if (document['issuer'] !== issuer) {
    const message = `The metadata found for ${issuer} is another issuer's. Ask whoever runs it to correct it.`
    throw new JourneyFailed('discovery.issuer_mismatch', message)
  }
  if (stringsOf(document, 'code_challenge_methods_supported')?.includes('S256') !== true) {
    const message = `${issuer} does not offer PKCE with S256, which MCP demands. Ask whoever runs it to enable it.`
    throw new JourneyFailed('discovery.pkce_unsupported', message)
  }
  return {
    issuer,
    authorizationEndpoint: endpoint('authorization_endpoint'),
    tokenEndpoint: endpoint('token_endpoint'),
    sendsIssuer: document['authorization_response_iss_parameter_supported'] === true,
    registrationEndpoint:
      document['registration_endpoint'] === undefined ? undefined : endpoint('registration_endpoint'),
    authenticationMethods: stringsOf(document, 'token_endpoint_auth_methods_supported') ?? [
      'client_secret_basic',
    ],
    grantTypes: stringsOf(document, 'grant_types_supported'),
    scopes: stringsOf(document, 'scopes_supported') ?? [],
    readsMetadataDocuments: document['client_id_metadata_document_supported'] === true,
  }

  function endpoint(name: string): string {
    const value = stringOf(document, name)
    if (value === undefined) throw malformed(name)
    return allowedUrl(value, { name, local }).href
  }
}

function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const inserted = [
    authorizationServerMetadataUrl(`${origin}${path}`),
    `${origin}/.well-known/openid-configuration${path}`,
  ]
  return path === '' ? inserted : [...inserted, `${origin}${path}/.well-known/openid-configuration`]
}

function malformed(what: string): JourneyFailed {
  const message = `The authorization server's metadata has no valid ${what}. Ask whoever runs it to correct it.`
  return new JourneyFailed('discovery.metadata_malformed', message)
}
