import { authorizationServerMetadataUrl, createFlights } from '@tetrapod/protocol'
import { fetchJson } from './fetch-json.ts'
import type { Io } from './io.ts'

/** The endpoints of an authorization server that a resource needs (RFC 8414 §2). */
export interface IssuerMetadata {
  readonly jwks_uri: string
  readonly token_endpoint: string
}

const FRESH_MS = 300_000

/**
 * Reads the metadata of an issuer, and remembers it for five minutes. Rejects when it cannot be read, and when the
 * document names another issuer than the one it was asked of (RFC 8414 §3.3).
 */
export function issuerMetadata(
  issuer: string,
  { fetch, clock }: Pick<Required<Io>, 'fetch' | 'clock'>,
): () => Promise<IssuerMetadata> {
  const flights = createFlights<IssuerMetadata>()
  let known: { readonly metadata: IssuerMetadata; readonly until: number } | undefined

  const read = async (): Promise<IssuerMetadata> => {
    const { status, body } = await fetchJson(fetch, authorizationServerMetadataUrl(issuer))
    const { issuer: named, jwks_uri, token_endpoint } = body
    if (status !== 200) throw new Error(`the metadata of ${issuer} answered ${status}`)
    if (named !== issuer) throw new Error(`the metadata of ${issuer} names another issuer`)
    if (typeof jwks_uri !== 'string' || typeof token_endpoint !== 'string') {
      throw new Error(`the metadata of ${issuer} lacks jwks_uri or token_endpoint`)
    }
    known = { metadata: { jwks_uri, token_endpoint }, until: clock.now() + FRESH_MS }
    return known.metadata
  }

  return async () => (known !== undefined && clock.now() < known.until ? known.metadata : flights('', read))
}
